"""Several predictors, each trusted as far as it was right of late about the function at hand.

The weights are those of the fixed-share forecaster (Herbster and Warmuth, "Tracking the Best
Expert", Machine Learning 32, 1998): a weight falls exponentially in the log-loss of its expert, and
a share of all weight is dealt out anew, so that no expert is ever beyond recovery. It is dealt by
the starting weights, which lean to the expert that is best on the whole. These weights, the
learning rate and the share gave the least log-loss on the validation functions of ``headstart bench
predictors``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.base import BasePredictor, Calls, Field
from predictors.arrival.ewma import EwmaPredictor
from predictors.arrival.forecast import MAX_ARRIVALS, Forecast
from predictors.arrival.histogram import HistogramPredictor
from predictors.arrival.jit import jit
from predictors.arrival.neural import NeuralPredictor
from predictors.arrival.rows import share
from predictors.arrival.seasonal import SeasonalPredictor

START_WEIGHTS = {"neural": 0.85, "histogram": 0.05, "seasonal": 0.05, "ewma": 0.05}
START_WEIGHT = np.array(list(START_WEIGHTS.values()))
EXPERTS = len(START_WEIGHTS)
LEARNING_RATE = 0.3
SHARE = 0.01
LEAST_CHANCE = 1e-4


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

    def forecast(self, now_s: float, horizon_s: float) -> Forecast:
        """Learn from the forecasts whose horizon has passed, then forecast."""
        self._check_horizon(horizon_s)
        self._flush()
        answers = self._answers(now_s, horizon_s)
        kept = [self._state[name] for name in self._fields()]
        share(lambda first, last: _learn(first, last, answers, now_s, horizon_s, *kept), self.count)
        at_least = _blend(answers, self._state["log_weight"])
        return Forecast(at_least, self.levels, self._next_arrival_s(now_s))

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

    def _at_least(self, now_s: float, horizon_s: float) -> NDArray[np.float64]:
        return _blend(self._answers(now_s, horizon_s), self._state["log_weight"])

    def _answers(self, now_s: float, horizon_s: float) -> NDArray[np.float64]:
        """Return what each expert says, float64[n, experts, 4]."""
        answers = [expert.forecast(now_s, horizon_s) for expert in self.experts.values()]
        return np.stack([answer.at_least for answer in answers], axis=1)


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


@jit
def _learn(
    first: int,
    last: int,
    answers: NDArray[np.float64],
    now_s: float,
    horizon_s: float,
    log_weight: NDArray[np.float32],
    held: NDArray[np.float32],
    held_until_s: NDArray[np.float64],
    arrivals: NDArray[np.int64],
) -> None:
    """Charge the experts for held forecasts that are over; hold a new one where none is held."""
    for function in range(first, last):
        over = held_until_s[function] <= now_s
        if over:
            _charge(held[function], arrivals[function], log_weight[function])
        if over or held_until_s[function] == np.inf:
            held[function] = answers[function]
            held_until_s[function] = now_s + horizon_s
            arrivals[function] = 0


@jit
def _charge(held: NDArray[np.float32], arrivals: int, log_weight: NDArray[np.float32]) -> None:
    for expert in range(EXPERTS):
        for j in range(MAX_ARRIVALS):
            chance = min(1.0 - LEAST_CHANCE, max(LEAST_CHANCE, held[expert, j]))
            came = chance if arrivals > j else 1.0 - chance
            log_weight[expert] += LEARNING_RATE * np.log(came)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    log_weight[:] = np.log((1.0 - SHARE) * weight + SHARE * START_WEIGHT)


def _blend(answers: NDArray[np.float64], log_weight: NDArray[np.float32]) -> NDArray[np.float64]:
    blended = np.zeros((len(answers), MAX_ARRIVALS))
    share(
        lambda first, last: _add_weighted(first, last, answers, log_weight, blended), len(answers)
    )
    return blended


@jit
def _add_weighted(
    first: int,
    last: int,
    answers: NDArray[np.float64],
    log_weight: NDArray[np.float32],
    blended: NDArray[np.float64],
) -> None:
    for function in range(first, last):
        weight = np.exp(log_weight[function])
        weight /= weight.sum()
        for expert in range(EXPERTS):
            for j in range(MAX_ARRIVALS):
                blended[function, j] += weight[expert] * answers[function, expert, j]
