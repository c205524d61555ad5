"""Numba's compiler with its types kept, so that kernels are checked like all other code."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """Compile a kernel on its first call, cached on disk; it runs without the interpreter lock."""
    return cast("_Function", njit(cache=True, nogil=True)(function))
