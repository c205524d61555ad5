"""The answer of an arrival predictor."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_ARRIVALS = 4


@dataclass(frozen=True, slots=True)
class Forecast:
    """Chances of arrivals, one row a function.

    Attributes
    ----------
    at_least
        float64[n, 4]; column j - 1 is P(N >= j) for N arrivals within the horizon.
    levels
        The probabilities of the quantiles.
    next_arrival_s
        float64[n, len(levels)]; seconds from now until the next arrival has come with that
        probability, ``inf`` where it may never.
    """

    at_least: NDArray[np.float64]
    levels: tuple[float, ...]
    next_arrival_s: NDArray[np.float64]
