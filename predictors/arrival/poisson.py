"""The seed's predictor: a Poisson process whose rate is that of a sliding window.

Source: Sui et al., "Pre-Warming is Not Enough: Accelerating Serverless Inference With
Opportunistic Pre-Loading" (InstaInfer), SoCC 2024: the rate of each function is estimated over a
sliding window, F(t) = 1 - exp(-rate t) is the chance of a call within t.
"""

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.base import BasePredictor, Calls, Field
from predictors.arrival.counting import poisson_at_least
from predictors.arrival.jit import jit

BUCKETS = 60


class PoissonPredictor(BasePredictor):
    """Rate = arrivals in the window / span of the window.

    The span starts with the first arrival of any function while that is more recent than the
    window. The window moves in sixtieths.

    Parameters
    ----------
    window_s
        Length of the sliding window.
    levels
        Quantiles of the next arrival to give with each forecast.
    """

    def __init__(self, window_s: float = 3600.0, levels: tuple[float, ...] = ()) -> None:
        self.window_s = window_s
        super().__init__(levels)

    def _fields(self) -> dict[str, Field]:
        return {
            "arrivals": Field((BUCKETS,), np.float32),
            "bucket": Field((BUCKETS,), np.int64, -1),
        }

    def _fold(self, calls: Calls) -> None:
        buckets = (calls.at_s // self._bucket_s).astype(np.int64)
        _count(calls.functions, buckets, self._state["arrivals"], self._state["bucket"])

    def _at_least(
        self, now_s: float, horizon_s: float, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        return poisson_at_least(self._rate_per_s(now_s, rows) * horizon_s)

    @property
    def _bucket_s(self) -> float:
        return self.window_s / BUCKETS

    def _rate_per_s(self, now_s: float, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        oldest = now_s // self._bucket_s - BUCKETS
        recent = self._state["bucket"][rows] > oldest
        arrivals = np.sum(self._state["arrivals"][rows], axis=1, where=recent, dtype=np.float64)
        span_s = np.clip(now_s - self._since_s(now_s), self._bucket_s, self.window_s)
        return np.asarray(arrivals / span_s)


@jit
def _count(
    functions: NDArray[np.int64],
    buckets: NDArray[np.int64],
    arrivals: NDArray[np.float32],
    bucket: NDArray[np.int64],
) -> None:
    for i in range(len(functions)):
        function, slot = functions[i], buckets[i] % BUCKETS
        if bucket[function, slot] != buckets[i]:
            bucket[function, slot] = buckets[i]
            arrivals[function, slot] = 0.0
        arrivals[function, slot] += 1.0
