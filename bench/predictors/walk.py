"""Walking forward through a trace: forecast, see what comes, go on."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.predictors.scores import Scores
from bench.traces.spread import Arrivals
from predictors.arrival.protocol import ArrivalPredictor


def moments(
    start_s: float, end_s: float, every_s: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return increasing times from start to end, on average ``every_s`` apart.

    The steps vary by half, so that forecasts are not in step with the minutes of the trace.
    """
    steps_s = rng.uniform(0.5, 1.5, int(2 * (end_s - start_s) / every_s) + 1) * every_s
    times_s = start_s + np.cumsum(steps_s)
    return times_s[times_s <= end_s]


def walk(
    predictor: ArrivalPredictor,
    arrivals: Arrivals,
    count: int,
    times_s: NDArray[np.float64],
    horizon_s: float,
) -> Iterator[tuple[float, NDArray[np.float64], NDArray[np.int64]]]:
    """Yield each time, P(N >= j) of all functions, and the calls that then came in the horizon."""
    predictor.resize(count)
    seen_until_s = -np.inf
    for now_s in times_s:
        past = arrivals.between(seen_until_s, now_s)
        predictor.observe_many(past.functions, past.at_s)
        seen_until_s = now_s
        at_least = predictor.forecast(now_s, horizon_s).at_least
        ahead = arrivals.between(now_s, now_s + horizon_s)
        yield float(now_s), at_least, np.bincount(ahead.functions, minlength=count)


def score(
    predictor: ArrivalPredictor,
    arrivals: Arrivals,
    count: int,
    times_s: NDArray[np.float64],
    horizon_s: float,
    from_s: float,
) -> Scores:
    """Return the scores of the forecasts from ``from_s`` on."""
    scores = Scores(count)
    for now_s, at_least, came in walk(predictor, arrivals, count, times_s, horizon_s):
        if now_s >= from_s:
            scores.add(at_least, came)
    return scores
