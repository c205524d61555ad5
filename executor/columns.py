"""The functions as columns: what planning reads of all of them at once."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from executor.domain import Function, Isolation, Tier

Rows: TypeAlias = NDArray[np.int64]
"""Positions of functions, in the order in which all of them are known, ascending."""

_NONE: Final = -1


class Columns:
    """One row for each function.

    Attributes
    ----------
    names, owners, libraries
        All there are, in the order of rows and of the numbers in ``owner`` and ``library``.
    index
        Row of each function, by its name.
    rows_of : int64[]
        Rows of each owner, by its name.
    owner, library : int32[n]
        Owner, and library group or -1.
    limit_bytes : int64[n]
        What an instance must have for its calls.
    ready_s, move_s : float64[n]
        Seconds from nothing loaded to ready, and from there to ready on a GPU.
    memory_bytes, library_bytes, gpu_host_bytes, gpu_memory_bytes : int64[n]
        Of an instance: what a residency takes, what its library group does, and what it takes
        while it is on a GPU; and what that takes of the GPU.
    has_gpu, shares : bool[n]
        Whether it can use a GPU, and whether its calls leave others alone that share as well.
    """

    def __init__(self, functions: Sequence[Function]) -> None:
        size = len(functions)
        self.names = tuple([one.name for one in functions])
        self.index = {name: row for row, name in enumerate(self.names)}
        self.owners = _numbered(one.owner for one in functions)
        self.libraries = _numbered(one.library for one in functions if one.library is not None)
        self.owner = np.array([self.owners[one.owner] for one in functions], np.int32)
        self.rows_of = {
            name: np.flatnonzero(self.owner == number) for name, number in self.owners.items()
        }
        self.limit_bytes = np.array([one.memory_limit_bytes for one in functions], np.int64)
        self.library = np.full(size, _NONE, np.int32)
        self.ready_s, self.move_s = np.zeros(size), np.zeros(size)
        self.memory_bytes, self.library_bytes = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self.gpu_host_bytes = np.zeros(size, np.int64)
        self.gpu_memory_bytes = np.zeros(size, np.int64)
        self.has_gpu, self.shares = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
        for row, function in enumerate(functions):
            self.write(row, function)

    def write(self, row: int, function: Function) -> None:
        """Write the row of a function anew, whose owner is as it was."""
        profile = function.profile
        if function.library is not None:
            self.library[row] = self.libraries[function.library]
        self.ready_s[row] = profile.ready_s
        self.memory_bytes[row] = profile.memory_bytes
        self.library_bytes[row] = profile.library_bytes
        self.has_gpu[row] = profile.gpu is not None
        self.shares[row] = function.isolation is Isolation.SHARE
        if profile.gpu is not None:
            self.move_s[row] = profile.gpu.move_s
            self.gpu_host_bytes[row] = function.memory_bytes(Tier.GPU)
            self.gpu_memory_bytes[row] = profile.gpu.gpu_memory_bytes


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names))}
