"""How functions may be resident: the modes of the placement problem, and what is held in them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from executor.columns import Columns, Rows
from executor.domain import Instance, ResidencyState, Tier
from solver import TIERS

_HOST, _GPU = TIERS.index("host"), TIERS.index("gpu")


class Modes(NamedTuple):
    """``host`` for each function, and after it ``gpu`` for those that can use one.

    On a GPU a function saves its load to memory and the move from there; in memory only the former.

    Attributes
    ----------
    function, tier : int32[m], int8[m]
        Which of the functions, and index into ``TIERS``.
    limit_bytes, memory_bytes, gpu_memory_bytes, saving_s, move_s : [m]
        What an instance must have for calls, what a residency takes, what it saves a call, and what
        a move from memory to it takes.
    """

    function: NDArray[np.int32]
    tier: NDArray[np.int8]
    limit_bytes: NDArray[np.int64]
    memory_bytes: NDArray[np.int64]
    gpu_memory_bytes: NDArray[np.int64]
    saving_s: NDArray[np.float64]
    move_s: NDArray[np.float64]


def modes(columns: Columns, rows: Rows, *, with_gpus: bool) -> Modes:
    """List the modes of the functions in some rows."""
    has_gpu = columns.has_gpu[rows] & with_gpus
    function = np.repeat(np.arange(len(rows), dtype=np.int32), 1 + has_gpu)
    on_gpu = np.diff(function, prepend=-1) == 0
    row = rows[function]
    move_s = np.where(on_gpu, columns.move_s[row], 0.0)
    return Modes(
        function,
        np.where(on_gpu, _GPU, _HOST).astype(np.int8),
        columns.limit_bytes[row],
        np.where(on_gpu, columns.gpu_host_bytes[row], columns.memory_bytes[row]),
        np.where(on_gpu, columns.gpu_memory_bytes[row], 0),
        columns.ready_s[row] + move_s,
        move_s,
    )


class Held:
    """What idle instances hold, as far as it fits by the profiles that loads are planned with.

    Footprints are measured anew all the time, so that what is held may seem to need more than there
    is; the rest is then planned as if it had to be loaded, and stays if it is. Where no call of a
    function may run it does not count as held.

    Parameters
    ----------
    names
        Of the functions of the problem.
    modes
        Of these functions.
    library, library_bytes
        The group of each function, -1 for none, and the bytes of each group.
    gpus
        Free bytes of each GPU.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        modes: Modes,
        library: NDArray[np.int32],
        library_bytes: NDArray[np.int64],
        gpus: dict[str, int],
    ) -> None:
        self._function = modes.function.tolist()
        self._host, self._gpu = _by_name(names, modes, _HOST), _by_name(names, modes, _GPU)
        self._library = library[modes.function].tolist()
        self._library_bytes = library_bytes.tolist()
        self._limit_bytes = modes.limit_bytes.tolist()
        self._memory_bytes = modes.memory_bytes.tolist()
        self._gpu_memory_bytes = modes.gpu_memory_bytes.tolist()
        self._move_s = modes.move_s.tolist()
        self._gpus = dict(gpus)

    def pairs(self, instance: Instance, free_bytes: int) -> Iterator[int]:
        """Yield the modes of what an instance holds."""
        groups = {-1}
        for residency in instance.residencies.values():
            of_tier = self._gpu if residency.tier is Tier.GPU else self._host
            mode = of_tier.get(residency.function)
            if mode is None or residency.state is ResidencyState.OFFLOADING:
                continue
            if self._limit_bytes[mode] > instance.limit_bytes:
                continue
            library, size_bytes = self._library[mode], self._memory_bytes[mode]
            if library not in groups:
                size_bytes += self._library_bytes[library]
            if size_bytes <= free_bytes and self._fits_gpu(instance.gpu, mode):
                free_bytes -= size_bytes
                groups.add(library)
                yield mode

    def moves(self, mode: int, instance: Instance) -> Iterator[tuple[int, float]]:
        """Yield the modes that what is held can move to, with the seconds which that takes."""
        if instance.gpu is None:
            return
        for other in range(max(0, mode - 1), min(mode + 2, len(self._function))):
            if other != mode and self._function[other] == self._function[mode]:
                yield other, self._move_s[other]

    def _fits_gpu(self, gpu: str | None, mode: int) -> bool:
        needed_bytes = self._gpu_memory_bytes[mode]
        if not needed_bytes:
            return True
        if gpu is None or needed_bytes > self._gpus[gpu]:
            return False
        self._gpus[gpu] -= needed_bytes
        return True


def _by_name(names: tuple[str, ...], modes: Modes, tier: int) -> dict[str, int]:
    """Return the modes of a tier by the names of their functions."""
    chosen = np.flatnonzero(modes.tier == tier)
    functions = [names[function] for function in modes.function[chosen].tolist()]
    return dict(zip(functions, chosen.tolist(), strict=True))
