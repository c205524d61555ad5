"""Several predictors, each trusted as far as it was right of late about the function at hand.

The weights are those of the fixed-share forecaster (Herbster and Warmuth, "Tracking the Best
Expert", Machine Learning 32, 1998): a weight falls exponentially in the log-loss of its expert, and
a share of all weight is dealt out anew, so that no expert is ever beyond recovery. It is dealt by
the starting weights, which lean to the expert that is best on the whole. These weights, the
learning rate and the share gave the least log-loss on the validation functions of ``headstart bench
predictors``.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.base import BasePredictor, Calls, Field
from predictors.arrival.ewma import EwmaPredictor
from predictors.arrival.forecast import MAX_ARRIVALS
from predictors.arrival.histogram import HistogramPredictor
from predictors.arrival.jit import jit, kernel
from predictors.arrival.neural import NeuralPredictor
from predictors.arrival.rows import share
from predictors.arrival.seasonal import SeasonalPredictor

START_WEIGHTS = {"neural": 0.85, "histogram": 0.05, "seasonal": 0.05, "ewma": 0.05}
START_WEIGHT = np.array(list(START_WEIGHTS.values()))
EXPERTS = len(START_WEIGHTS)
LEARNING_RATE = 0.3
SHARE = 0.003
LEAST_CHANCE = 1e-4
ZERO = np.float32(0.0)


class Answers(NamedTuple):
    """What the experts say of functions.

    Attributes
    ----------
    at_least
        float64[m, 4] of each expert, P(N >= j) of those that they were asked about.
    place
        int64[n], which of these each function is.
    """

    at_least: tuple[NDArray[np.float64], ...]
    place: NDArray[np.int64]


class MixturePredictor(BasePredictor):
    """The mean of four experts, weighted for each function by their recent log-loss.

    Each forecast is held until its horizon has passed, then every expert is charged the log-loss
    of its P(N >= j), j = 1..4, and the next forecast is held. All chances grow with the horizon
    since one set of weights serves all horizons.

    Parameters
    ----------
    levels
        Quantiles of the next arrival to give with each forecast.
    """

    def __init__(self, levels: tuple[float, ...] = ()) -> None:
        super().__init__(levels)
        self.experts: dict[str, BasePredictor] = {
            "neural": NeuralPredictor(),
            "histogram": HistogramPredictor(),
            "seasonal": SeasonalPredictor(),
            "ewma": EwmaPredictor(),
        }

    def _fields(self) -> dict[str, Field]:
        return {
            "log_weight": Field((EXPERTS,), np.float32),
            "held": Field((EXPERTS, MAX_ARRIVALS), np.float32),
            "held_until_s": Field(fill=np.inf),
            "arrivals": Field((), np.int64),
        }

    def resize(self, count: int) -> None:
        """Know ``count`` functions from now on."""
        known = self.count
        super().resize(count)
        self._state["log_weight"][known:] = np.log(START_WEIGHT)
        for expert in self.experts.values():
            expert.resize(count)

    def _answer(
        self, now_s: float, horizon_s: float, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Learn from the forecasts whose horizon has passed, then forecast."""
        answers = self._answers(now_s, horizon_s, rows)
        kept = [self._state[name] for name in self._fields()]

        def learn(first: int, last: int) -> None:
            _learn(first, last, rows, answers, now_s, horizon_s, *kept)

        share(learn, len(rows))
        return self._blended(answers, rows)

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return all that was learnt, the experts' arrays under their names."""
        own = super().state_dict()
        for name, expert in self.experts.items():
            own |= {f"{name}.{field}": known for field, known in expert.state_dict().items()}
        return own

    def load_state_dict(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what another mixture had learnt."""
        super().load_state_dict({name: known for name, known in state.items() if "." not in name})
        for name, expert in self.experts.items():
            start = f"{name}."
            expert.load_state_dict(
                {
                    field.removeprefix(start): known
                    for field, known in state.items()
                    if field.startswith(start)
                }
            )

    def _fold(self, calls: Calls) -> None:
        _count(calls.functions, calls.at_s, self._state["held_until_s"], self._state["arrivals"])
        for expert in self.experts.values():
            expert.observe_many(calls.functions, calls.at_s)

    def _at_least(
        self, now_s: float, horizon_s: float, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        return self._blended(self._answers(now_s, horizon_s, rows), rows)

    def _answers(self, now_s: float, horizon_s: float, rows: NDArray[np.int64]) -> Answers:
        """Ask the experts.

        Functions that were never called are all alike, so that one speaks for them.
        """
        alike = self._state["last_s"][rows] == -np.inf
        speaker = np.flatnonzero(alike)[:1]
        asked = ~alike
        asked[speaker] = True
        place = np.cumsum(asked) - 1
        place[alike] = place[speaker]
        rows = rows[asked]
        at_least = (one.forecast(now_s, horizon_s, rows).at_least for one in self.experts.values())
        return Answers(tuple(at_least), place)

    def _blended(self, answers: Answers, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        blended = np.empty((len(rows), MAX_ARRIVALS))
        log_weight = self._state["log_weight"]

        def blend(first: int, last: int) -> None:
            _blend(first, last, rows, answers, log_weight, blended)

        share(blend, len(rows))
        return blended


@jit
def _count(
    functions: NDArray[np.int64],
    at_s: NDArray[np.float64],
    held_until_s: NDArray[np.float64],
    arrivals: NDArray[np.int64],
) -> None:
    """Count the calls that come before the held forecast's horizon ends."""
    for i in range(len(functions)):
        if at_s[i] <= held_until_s[functions[i]]:
            arrivals[functions[i]] += 1


@kernel
def _learn(
    first: int,
    last: int,
    rows: NDArray[np.int64],
    answers: Answers,
    now_s: float,
    horizon_s: float,
    log_weight: NDArray[np.float32],
    held: NDArray[np.float32],
    held_until_s: NDArray[np.float64],
    arrivals: NDArray[np.int64],
) -> None:
    """Charge the experts for held forecasts that are over; hold a new one where none is held."""
    for row in range(first, last):
        function, place = rows[row], answers.place[row]
        over = held_until_s[function] <= now_s
        if over:
            _charge(held[function], arrivals[function], log_weight[function])
        if over or held_until_s[function] == np.inf:
            for expert in range(EXPERTS):
                for j in range(MAX_ARRIVALS):
                    held[function, expert, j] = answers.at_least[expert][place, j]
            held_until_s[function] = now_s + horizon_s
            arrivals[function] = 0


@kernel
def _charge(held: NDArray[np.float32], arrivals: int, log_weight: NDArray[np.float32]) -> None:
    for expert in range(EXPERTS):
        for j in range(MAX_ARRIVALS):
            chance = min(1.0 - LEAST_CHANCE, max(LEAST_CHANCE, held[expert, j]))
            came = chance if arrivals > j else 1.0 - chance
            log_weight[expert] += LEARNING_RATE * np.log(came)
    most, total = log_weight[0], ZERO
    for expert in range(EXPERTS):
        most = max(most, log_weight[expert])
    for expert in range(EXPERTS):
        total += np.exp(log_weight[expert] - most)
    for expert in range(EXPERTS):
        weight = np.exp(log_weight[expert] - most) / total
        log_weight[expert] = np.log((1.0 - SHARE) * weight + SHARE * START_WEIGHT[expert])


@kernel
def _blend(
    first: int,
    last: int,
    rows: NDArray[np.int64],
    answers: Answers,
    log_weight: NDArray[np.float32],
    blended: NDArray[np.float64],
) -> None:
    for row in range(first, last):
        function, place = rows[row], answers.place[row]
        total = ZERO
        for expert in range(EXPERTS):
            total += np.exp(log_weight[function, expert])
        for j in range(MAX_ARRIVALS):
            blended[row, j] = 0.0
        for expert in range(EXPERTS):
            weight = np.exp(log_weight[function, expert]) / total
            for j in range(MAX_ARRIVALS):
                blended[row, j] += weight * answers.at_least[expert][place, j]
