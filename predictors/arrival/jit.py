"""Numba's compiler with the type of what it compiles kept."""

from collections.abc import Callable
from typing import TypeVar

import numba

Compiled = TypeVar("Compiled", bound=Callable[..., object])


def jit(function: Compiled) -> Compiled:
    """Compile at first call, keep the machine code on disk, let other threads run meanwhile.

    Dividing by zero gives infinity, since the check for it keeps loops from being vectorised.
    """
    compiled: Compiled = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return compiled


def kernel(function: Compiled) -> Compiled:
    """Compile what makes no arrays, which then counts no references to those that it is given.

    Counting is atomic, and costs more than what is done with a short slice.
    """
    compiled: Compiled = numba.njit(cache=True, nogil=True, error_model="numpy", _nrt=False)(
        function
    )
    return compiled
