"""What predictors walk through: traces of counts a minute, and logs of requests."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.predictors.scores import Scores
from bench.predictors.walk import moments, score
from bench.traces.minutes import MinuteTrace
from bench.traces.requests import RequestLog
from bench.traces.spread import Arrivals, spread
from predictors.arrival.protocol import ArrivalPredictor

MAX_PER_MINUTE: Final = 60
WARM_UP_S: Final = 3600.0
LOG_FORECASTS: Final = 1000
LOG_WARM_UP: Final = 0.1
LONGEST_HORIZON: Final = 1 / 3
"""Of the length that is scored."""


@dataclass(frozen=True, slots=True)
class Course:
    """Calls, the times to forecast at, and those between which forecasts are scored."""

    arrivals: Arrivals
    functions: int
    times_s: NDArray[np.float64]
    from_s: float
    end_s: float

    @property
    def longest_s(self) -> float:
        """The longest horizon that leaves enough to score."""
        return LONGEST_HORIZON * (self.end_s - self.from_s)

    def score(self, predictor: ArrivalPredictor, horizon_s: float) -> Scores:
        """Let a new predictor walk through it."""
        times_s = self.times_s[self.times_s <= self.end_s - horizon_s]
        return score(predictor, self.arrivals, self.functions, times_s, horizon_s, self.from_s)


def of_trace(trace: MinuteTrace, every_s: float, rng: np.random.Generator) -> Course:
    """Place the calls of a trace; its first hour is not scored."""
    arrivals = spread(trace, rng, MAX_PER_MINUTE)
    times_s = moments(trace.start_s, trace.end_s, every_s, rng)
    return Course(arrivals, len(trace.names), times_s, trace.start_s + WARM_UP_S, trace.end_s)


def of_log(log: RequestLog, rng: np.random.Generator) -> Course:
    """Ask a thousand times over a log; its first tenth is not scored."""
    start_s, end_s = float(log.arrivals.at_s[0]), float(log.arrivals.at_s[-1])
    length_s = end_s - start_s
    times_s = moments(start_s, end_s, length_s / LOG_FORECASTS, rng)
    return Course(log.arrivals, len(log.names), times_s, start_s + LOG_WARM_UP * length_s, end_s)
