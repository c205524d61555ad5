"""How the kernels are compiled: to machine code, cached on disk, without the interpreter's lock."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

_F = TypeVar("_F", bound=Callable[..., Any])


def kernel(function: _F) -> _F:
    """Compile a function that allocates no array.

    Reference counts are left out: numba cannot remove them from loops over tuples of arrays, where
    they cost ten times the work itself.
    """
    return cast("_F", njit(cache=True, nogil=True, _nrt=False)(function))


def inlined(function: _F) -> _F:
    """Compile a short function that allocates no array into each of its callers."""
    return cast("_F", njit(cache=True, nogil=True, _nrt=False, forceinline=True)(function))


def allocating(function: _F) -> _F:
    """Compile a function that makes arrays."""
    return cast("_F", njit(cache=True, nogil=True)(function))
