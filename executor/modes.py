"""How functions may be resident: the modes of the placement problem, and what is held in them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from executor.domain import Function, Instance, Residency, ResidencyState, Tier
from solver import TIERS

_ROWS = {Tier.HOST: TIERS.index("host"), Tier.GPU: TIERS.index("gpu")}


class Mode(NamedTuple):
    """A function (its row) in a tier: what it takes there and what it saves a call."""

    function: int
    tier: int
    memory_bytes: int
    gpu_memory_bytes: int
    saving_s: float


def modes(functions: Sequence[Function], *, with_gpus: bool) -> list[Mode]:
    """List the modes of functions: ``host`` for each, ``gpu`` for those that can use one.

    On a GPU a function saves its load to memory and the move from there; in memory only the former.
    """
    return [mode for row, one in enumerate(functions) for mode in _of(row, one, with_gpus)]


def _of(row: int, function: Function, with_gpus: bool) -> Iterator[Mode]:
    profile = function.profile
    yield Mode(row, _ROWS[Tier.HOST], profile.memory_bytes, 0, profile.ready_s)
    if profile.gpu is not None and with_gpus:
        gpu = profile.gpu
        saving_s = profile.ready_s + gpu.move_s
        yield Mode(row, _ROWS[Tier.GPU], gpu.memory_bytes, gpu.gpu_memory_bytes, saving_s)


def library_bytes(functions: Sequence[Function]) -> dict[str, int]:
    """Return the bytes of each library group of functions."""
    sizes: dict[str, int] = {}
    for function in functions:
        if function.library is not None:
            size = function.profile.library_bytes
            sizes[function.library] = max(sizes.get(function.library, 0), size)
    return sizes


class Held:
    """What idle instances hold, as far as it fits by the profiles that loads are planned with.

    Footprints are measured anew all the time, so that what is held may seem to need more than there
    is; the rest is then planned as if it had to be loaded, and stays if it is.

    Parameters
    ----------
    functions, modes, libraries
        Of the problem.
    gpus
        Free bytes of each GPU.
    """

    def __init__(
        self,
        functions: Sequence[Function],
        modes: Sequence[Mode],
        libraries: Mapping[str, int],
        gpus: Mapping[str, int],
    ) -> None:
        self._functions = functions
        self._rows = {function.name: row for row, function in enumerate(functions)}
        self._modes = {(mode.function, mode.tier): at for at, mode in enumerate(modes)}
        self._sizes = modes
        self._libraries = libraries
        self._gpus = dict(gpus)

    def pairs(self, instance: Instance, free_bytes: int) -> Iterator[int]:
        """Yield the modes of what an instance holds."""
        groups: set[str] = set()
        for residency in instance.residencies.values():
            at = self._mode(residency)
            if at is None:
                continue
            mode = self._sizes[at]
            library = self._functions[mode.function].library
            size_bytes = mode.memory_bytes
            if library is not None and library not in groups:
                size_bytes += self._libraries[library]
            if size_bytes <= free_bytes and self._fits_gpu(instance.gpu, mode):
                free_bytes -= size_bytes
                groups |= {library} if library is not None else set()
                yield at

    def moves(self, at: int, instance: Instance) -> Iterator[tuple[int, float]]:
        """Yield the modes that what is held can move to, with the seconds which that takes."""
        mode = self._sizes[at]
        gpu = self._functions[mode.function].profile.gpu
        if gpu is None or instance.gpu is None:
            return
        for tier, move_s in ((Tier.HOST, 0.0), (Tier.GPU, gpu.move_s)):
            if _ROWS[tier] != mode.tier:
                yield self._modes[mode.function, _ROWS[tier]], move_s

    def _mode(self, residency: Residency) -> int | None:
        row = self._rows.get(residency.function)
        if row is None or residency.state is ResidencyState.OFFLOADING:
            return None
        return self._modes.get((row, _ROWS[residency.tier]))

    def _fits_gpu(self, gpu: str | None, mode: Mode) -> bool:
        if not mode.gpu_memory_bytes:
            return True
        if gpu is None or mode.gpu_memory_bytes > self._gpus[gpu]:
            return False
        self._gpus[gpu] -= mode.gpu_memory_bytes
        return True
