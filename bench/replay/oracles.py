"""Predictors that only a replay needs: of published methods, and of what cannot be known."""

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.traces.spread import Arrivals
from predictors.arrival.base import BasePredictor, Calls, Field
from predictors.arrival.forecast import MAX_ARRIVALS
from predictors.arrival.poisson import PoissonPredictor

LOAD_FROM: Final = 0.06
GIVE_UP_FROM: Final = 0.94
"""The papers' thresholds; the published code has 5 and 85 %."""
AHEAD_S: Final = 60.0
"""How far ahead a call counts in E: the code's window of one, its rates being a minute's."""

Loaded: TypeAlias = Callable[[NDArray[np.int64]], NDArray[np.bool_]]
"""Tells of functions whether they are loaded or being loaded anywhere."""


class InstaInferPredictor(PoissonPredictor):
    """When InstaInfer holds a function loaded, and for how likely it takes a call.

    Source: Sui et al., "Pre-Warming is Not Enough: Accelerating Serverless Inference With
    Opportunistic Pre-Loading", SoCC 2024, and the authors' published code
    (github.com/IntelliSys-Lab/InstaInfer-SoCC24). With the rate of a sliding window,
    F(t) = 1 - exp(-rate t) is the chance that the next call has come t after the last one. A
    function is loaded when F reaches 6 % and given up at 94 %; what is loaded stays until then.
    What it is worth meanwhile, E = P x T, is by P = F(one minute) in the code. A second call at
    once is not thought of.

    Different here: the window is an hour of time, where the code tries numbers of gaps from five on
    for the one that would have told the last gap best; the code loads a function again in its own
    container as soon as its call has ended, here it is when F reaches 6 %.

    Parameters
    ----------
    loaded
        Tells which functions are loaded.
    window_s
        Length of the sliding window.
    """

    def __init__(self, loaded: Loaded, window_s: float = 3600.0) -> None:
        super().__init__(window_s)
        self.loaded = loaded

    def _at_least(
        self,
        now_s: float,
        horizon_s: float,  # noqa: ARG002
        rows: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        rate_per_s = self._rate_per_s(now_s, rows)
        arrived = -np.expm1(-rate_per_s * self._waited_s(now_s, rows))
        due = (arrived >= LOAD_FROM) | self.loaded(rows)
        chance = -np.expm1(-rate_per_s * AHEAD_S)
        return _first_only(np.where(due & (arrived <= GIVE_UP_FROM), chance, 0.0))


class Certain(BasePredictor):
    """Takes any number of calls of every function for certain."""

    def _fields(self) -> dict[str, Field]:
        return {}

    def _fold(self, calls: Calls) -> None:
        pass

    def _at_least(
        self,
        now_s: float,  # noqa: ARG002
        horizon_s: float,  # noqa: ARG002
        rows: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        return np.ones((len(rows), MAX_ARRIVALS))


class Clairvoyant(Certain):
    """Knows all calls; one that is d seconds away has the chance exp(-d / horizon).

    The nearer a call the more it counts, so that the next one due is loaded first.
    """

    def __init__(self, arrivals: Arrivals, count: int) -> None:
        super().__init__()
        order = np.argsort(arrivals.functions, kind="stable")
        self._at_s = np.append(arrivals.at_s[order], np.full(MAX_ARRIVALS, np.inf))
        self._end = np.cumsum(np.bincount(arrivals.functions, minlength=count))
        self._next = self._end - np.bincount(arrivals.functions, minlength=count)

    def _at_least(
        self, now_s: float, horizon_s: float, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        self._advance(now_s)
        position = self._next[rows, None] + np.arange(MAX_ARRIVALS)
        known = position < self._end[rows, None]
        due_s = np.where(known, self._at_s[np.minimum(position, len(self._at_s) - 1)], np.inf)
        return np.asarray(np.exp(-(due_s - now_s) / horizon_s))

    def _advance(self, now_s: float) -> None:
        """Move each function on to its first call after now."""
        while True:
            past = (self._next < self._end) & (self._at_s[self._next] <= now_s)
            if not past.any():
                return
            self._next = self._next + past


def _first_only(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    at_least = np.zeros((len(chance), MAX_ARRIVALS))
    at_least[:, 0] = chance
    return at_least
