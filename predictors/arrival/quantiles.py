"""Quantiles of the next arrival from the chance that it has come by then."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FIRST_S, LAST_S, POINTS = 0.1, 7 * 86400.0, 120
CERTAIN = 1 - 1e-12


def invert(
    arrived_by: Callable[[float], NDArray[np.float64]], levels: tuple[float, ...]
) -> NDArray[np.float64]:
    """Find when a growing chance reaches each level, on a logarithmic grid of times.

    Parameters
    ----------
    arrived_by
        From seconds ahead to float64[n], the chance that a call has come by then.
    levels
        Probabilities.

    Returns
    -------
    NDArray[np.float64]
        float64[n, len(levels)]; seconds, ``inf`` where a week does not suffice.
    """
    grid_s = np.geomspace(FIRST_S, LAST_S, POINTS)
    chance = np.stack([arrived_by(float(after_s)) for after_s in grid_s], axis=1)
    return np.stack([_reached_s(grid_s, chance, level) for level in levels], axis=1)


def _reached_s(
    grid_s: NDArray[np.float64], chance: NDArray[np.float64], level: float
) -> NDArray[np.float64]:
    reached = chance >= level
    upper = reached.argmax(axis=1)
    lower = np.maximum(upper - 1, 0)
    rows = np.arange(len(chance))
    below, above = _hazard(chance[rows, lower]), _hazard(chance[rows, upper])
    rise = above - below
    missing = _hazard(np.array(level)) - below
    share = np.divide(missing, rise, out=np.ones_like(rise), where=rise > 0)
    at_s: NDArray[np.float64] = grid_s[lower] + share * (grid_s[upper] - grid_s[lower])
    return np.where(reached.any(axis=1), at_s, np.inf)


def _hazard(chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cumulative hazard, in which a constant rate is a straight line."""
    return np.asarray(-np.log1p(-np.minimum(chance, CERTAIN)))
