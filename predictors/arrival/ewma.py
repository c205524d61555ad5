"""A rate that forgets exponentially, held as a gamma distribution.

An arrival counts exp(-age / memory). With a gamma prior the decayed count and the decayed time are
the shape and rate of the posterior, so that functions seldom seen get honest small chances.

Source: Harvey and Fernandes, "Time Series Models for Count or Qualitative Observations", Journal
of Business & Economic Statistics 7(4), 1989.
"""

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.base import BasePredictor, Calls, Field
from predictors.arrival.counting import gamma_poisson_at_least
from predictors.arrival.jit import jit

PRIOR_ARRIVALS = 0.05
PRIOR_EXPOSURE_S = 300.0


class EwmaPredictor(BasePredictor):
    """Gamma-Poisson with exponential forgetting.

    Parameters
    ----------
    memory_s
        Time in which an arrival's weight falls to 1/e.
    levels
        Quantiles of the next arrival to give with each forecast.
    """

    def __init__(self, memory_s: float = 1800.0, levels: tuple[float, ...] = ()) -> None:
        self.memory_s = memory_s
        super().__init__(levels)

    def _fields(self) -> dict[str, Field]:
        return {"weight": Field()}

    def _fold(self, calls: Calls) -> None:
        _decay_and_add(calls.functions, calls.gap_s / self.memory_s, self._state["weight"])

    def _at_least(
        self, now_s: float, horizon_s: float, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        weight = self._state["weight"][rows] * np.exp(
            (self._state["last_s"][rows] - now_s) / self.memory_s
        )
        watched_s = max(0.0, now_s - self._since_s(now_s))
        exposure_s = -self.memory_s * np.expm1(-watched_s / self.memory_s)
        return gamma_poisson_at_least(
            PRIOR_ARRIVALS + weight,
            np.full(len(rows), PRIOR_EXPOSURE_S + exposure_s),
            horizon_s,
        )


@jit
def _decay_and_add(
    functions: NDArray[np.int64], ages: NDArray[np.float64], weight: NDArray[np.float64]
) -> None:
    for i in range(len(functions)):
        weight[functions[i]] = 1.0 + weight[functions[i]] * np.exp(-ages[i])
