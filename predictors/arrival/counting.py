"""Chances of counts when the expected count is known."""

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.forecast import MAX_ARRIVALS


def poisson_at_least(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return P(N >= j) for j = 1..4 of Poisson counts.

    Parameters
    ----------
    mean
        float64[n], expected arrivals.

    Returns
    -------
    NDArray[np.float64]
        float64[n, 4], non-increasing along the second axis.
    """
    at_least = np.empty((len(mean), MAX_ARRIVALS))
    at_least[:, 0] = -np.expm1(-mean)
    term = np.exp(-mean)
    for j in range(1, MAX_ARRIVALS):
        term = term * mean / j
        at_least[:, j] = np.clip(at_least[:, j - 1] - term, 0.0, None)
    return at_least
