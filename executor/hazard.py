"""What functions in one container cost each other: a call of one takes the others away."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Exposed(NamedTuple):
    """Modes of functions, as far as they can be taken away and take others away.

    Attributes
    ----------
    likely : float64[m]
        Chance that the function is called within the horizon.
    load_s : float64[m]
        Seconds from nothing loaded to ready.
    shares : bool[m]
        Whether its calls leave those alone that share as well.
    """

    likely: NDArray[np.float64]
    load_s: NDArray[np.float64]
    shares: NDArray[np.bool_]


def hazard_s(
    exposed: Exposed,
    held: NDArray[np.int32],
    pairs: NDArray[np.integer],
    n_instances: int,
    horizon_s: float,
) -> NDArray[np.float64]:
    """Return the seconds that calls are expected to lose by modes in instances.

    A call of f that comes within f's load time T_f after a call of another function g waits T_f / 2
    for its reload on average, so that over the horizon H the two lose P_f P_g (T_f^2 + T_g^2) / 2H.
    Every instance is looked at with what it holds, whether a mode fits there or not.

    Parameters
    ----------
    exposed
        The modes.
    held
        Modes that are in place, each with its instance, int32[n, 2].
    pairs
        Modes to look at, each in an instance, integers[p, 2].
    n_instances, horizon_s
        How many instances there are, and what the chances are of.

    Returns
    -------
    NDArray[np.float64]
        float64[p].
    """
    mode, instance = held.T
    slot = 2 * instance + exposed.shares[mode]
    likely = exposed.likely[mode]
    calls, reloads = (
        _met(np.bincount(slot, weight, 2 * n_instances))
        for weight in (likely, likely * exposed.load_s[mode] ** 2)
    )
    new, place = pairs.T
    slot = 2 * place + exposed.shares[new]
    lost = exposed.likely[new] * (calls[slot] * exposed.load_s[new] ** 2 + reloads[slot])
    return np.asarray(lost / (2.0 * horizon_s))


def _met(weight: NDArray[Any]) -> NDArray[Any]:
    """Add up what an instance holds, for a function that shares and for one that does not.

    Every second entry is of what shares in an instance, the one before it of the rest.
    """
    rest = weight[::2]
    return np.stack([rest + weight[1::2], rest], axis=1).ravel()
