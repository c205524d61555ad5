"""How good forecasts were, function by function."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.forecast import MAX_ARRIVALS

LEAST_CHANCE = 1e-4
MEMORY_SHARE = 0.1
BIN_EDGES = np.array(
    [0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 1.0]
)
BINS = len(BIN_EDGES) - 1


@dataclass(slots=True)
class Scores:
    """Sums over all forecasts of one predictor.

    A chance below 1e-4 or above its complement counts as that, since a single call of which
    nothing was foreseen would otherwise cost without limit. Hits are functions called within the
    horizon that are among the tenth of all functions with the highest chance of it: those that
    would be in a memory for that many.

    Attributes
    ----------
    functions
        Number of functions.
    forecasts
        Number of forecasts of each.
    log_loss, brier
        float64[n, 4], sums of the losses of P(N >= j).
    called, hits
        float64[n], horizons with a call, and those of them in memory.
    chance_sum, called_sum, chances
        float64[bins], sums over the forecasts of P(N >= 1) in a bin, calls, and their number.
    """

    functions: int
    forecasts: int = 0
    log_loss: NDArray[np.float64] = field(init=False)
    brier: NDArray[np.float64] = field(init=False)
    called: NDArray[np.float64] = field(init=False)
    hits: NDArray[np.float64] = field(init=False)
    chance_sum: NDArray[np.float64] = field(init=False)
    called_sum: NDArray[np.float64] = field(init=False)
    chances: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.log_loss, self.brier = np.zeros((2, self.functions, MAX_ARRIVALS))
        self.called, self.hits = np.zeros((2, self.functions))
        self.chance_sum, self.called_sum, self.chances = np.zeros((3, BINS))

    def add(self, at_least: NDArray[np.float64], arrivals: NDArray[np.int64]) -> None:
        """Take in one forecast and the calls that came within its horizon."""
        came = arrivals[:, None] > np.arange(MAX_ARRIVALS)
        chance = np.clip(at_least, LEAST_CHANCE, 1.0 - LEAST_CHANCE)
        self.forecasts += 1
        self.log_loss -= np.log(np.where(came, chance, 1.0 - chance))
        self.brier += (at_least - came) ** 2
        self._add_calibration(at_least[:, 0], came[:, 0])
        self._add_hits(at_least[:, 0], came[:, 0])

    def _add_calibration(self, chance: NDArray[np.float64], called: NDArray[np.bool_]) -> None:
        bins = np.searchsorted(BIN_EDGES[1:-1], chance, side="right")
        self.chances += np.bincount(bins, minlength=BINS)
        self.chance_sum += np.bincount(bins, chance, BINS)
        self.called_sum += np.bincount(bins, called, BINS)

    def _add_hits(self, chance: NDArray[np.float64], called: NDArray[np.bool_]) -> None:
        places = round(MEMORY_SHARE * self.functions)
        chosen = np.argsort(-chance, kind="stable")[:places]
        self.called += called
        self.hits[chosen] += called[chosen]


def join(parts: list[Scores]) -> Scores:
    """Return the scores over all functions of several traces, each with its mean as a sum of one.

    Traces differ in length; a function weighs the same whatever its trace.
    """
    whole = Scores(sum(part.functions for part in parts), 1)
    for name in ("log_loss", "brier", "called", "hits"):
        means = [getattr(part, name) / part.forecasts for part in parts]
        setattr(whole, name, np.concatenate(means))
    for name in ("chance_sum", "called_sum", "chances"):
        setattr(whole, name, np.sum([getattr(part, name) for part in parts], axis=0))
    return whole
