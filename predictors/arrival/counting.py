"""Chances of counts when the expected count is known, or known with doubt."""

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


def gamma_poisson_at_least(
    arrivals: NDArray[np.float64], exposure_s: NDArray[np.float64], horizon_s: float
) -> NDArray[np.float64]:
    """Return P(N >= j) for j = 1..4 when the rate itself is gamma distributed.

    Counts are then negative binomial: P(N = 0) = (b / (b + h))^a and
    P(N = i) = P(N = i - 1) (a + i - 1) / i x h / (b + h) for shape a, rate b and horizon h.

    Parameters
    ----------
    arrivals
        float64[n], shape: arrivals seen, and those of the prior; positive.
    exposure_s
        float64[n], rate: seconds in which they were seen, and those of the prior; positive.
    horizon_s
        Seconds ahead.

    Returns
    -------
    NDArray[np.float64]
        float64[n, 4], non-increasing along the second axis.
    """
    ahead = horizon_s / (exposure_s + horizon_s)
    log_none = arrivals * np.log1p(-ahead)
    at_least = np.empty((len(arrivals), MAX_ARRIVALS))
    at_least[:, 0] = -np.expm1(log_none)
    term = np.exp(log_none)
    for j in range(1, MAX_ARRIVALS):
        term = term * (arrivals + j - 1) / j * ahead
        at_least[:, j] = np.clip(at_least[:, j - 1] - term, 0.0, None)
    return at_least
