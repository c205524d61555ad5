"""Predictors that only a replay needs: of published methods, and of what cannot be known."""

import numpy as np
from numpy.typing import NDArray

from bench.traces.spread import Arrivals
from predictors.arrival.base import BasePredictor, Calls, Field
from predictors.arrival.forecast import MAX_ARRIVALS
from predictors.arrival.poisson import PoissonPredictor

LOAD_FROM = 0.06
GIVE_UP_FROM = 0.94


class InstaInferPredictor(PoissonPredictor):
    """When InstaInfer holds a function loaded, and for how likely it takes a call.

    Source: Sui et al., SoCC 2024. With the rate of a sliding window, F(t) = 1 - exp(-rate t) is the
    chance that the next call has come t after the last one. A function is loaded when F reaches
    6 % and given up at 94 %; in between its chance is F. A second call at once is not thought of.
    """

    def _at_least(
        self,
        now_s: float,
        horizon_s: float,  # noqa: ARG002
        rows: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        arrived = -np.expm1(-self._rate_per_s(now_s, rows) * self._waited_s(now_s, rows))
        within = (arrived >= LOAD_FROM) & (arrived <= GIVE_UP_FROM)
        return _first_only(np.where(within, arrived, 0.0))


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
