"""Numba's compiler with the type of what it compiles kept."""

from collections.abc import Callable
from typing import TypeVar

import numba

Compiled = TypeVar("Compiled", bound=Callable[..., object])


def jit(function: Compiled) -> Compiled:
    """Compile at first call, keep the machine code on disk, let other threads run meanwhile."""
    compiled: Compiled = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return compiled
