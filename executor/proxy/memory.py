"""What processes hold, in bytes.

The resident set costs microseconds and counts shared pages in full. A footprint costs some
milliseconds a process: its private pages, and its proportional set (PSS), for which shared pages
are divided among those who share them.

Of private pages only those count that the kernel must keep. What is mapped from a file and was not
written to, as the weights of a model, is a cache: the kernel drops it when memory is short, reads
it again when it is used, and has it once for all processes and containers of the machine.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .reaper import parents

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Footprint:
    """Memory of a process, or of several."""

    private_bytes: int = 0
    proportional_bytes: int = 0

    def __add__(self, other: "Footprint") -> "Footprint":
        return Footprint(
            self.private_bytes + other.private_bytes,
            self.proportional_bytes + other.proportional_bytes,
        )


def footprint(pid: int) -> Footprint:
    """Return the footprint of a process (proc(5), smaps_rollup); nothing when it is gone."""
    sizes: dict[str, int] = defaultdict(int)
    for line in _read(pid, "smaps_rollup").splitlines()[1:]:
        key, size_kib, *_ = line.split()
        sizes[key] = int(size_kib) * 1024
    return Footprint(sizes["Private_Dirty:"], sizes["Pss:"])


def footprints(pids: Iterable[int]) -> dict[int, Footprint]:
    """Measure each process with all its descendants."""
    family = families()
    return {pid: _sum(map(footprint, family(pid))) for pid in pids}


def resident_bytes(pids: Iterable[int]) -> int:
    """Sum the resident sets (proc(5), statm) of processes and their descendants."""
    family = families()
    return sum(_resident_bytes(one) for pid in pids for one in family(pid))


def account(
    functions: Mapping[str, tuple[int, str]], libraries: Mapping[str, int]
) -> tuple[dict[str, int], dict[str, int]]:
    """Divide what is held among functions and the libraries that they share.

    A function with a library holds its private pages. The library holds the resident set of its
    process, in which all is that it shares with the functions, and the private pages of processes
    below that one. A function without library holds its proportional set.

    Parameters
    ----------
    functions
        Process and library, empty for none, of each function.
    libraries
        Process of each library.
    """
    family = families()
    library_bytes = {name: _library_bytes(pid, family) for name, pid in libraries.items()}
    function_bytes = {}
    for name, (pid, library) in functions.items():
        own = _sum(map(footprint, family(pid)))
        shared = library in libraries
        function_bytes[name] = own.private_bytes if shared else own.proportional_bytes
    return function_bytes, library_bytes


def _library_bytes(pid: int, family: Callable[[int], Iterable[int]]) -> int:
    below = _sum(footprint(one) for one in family(pid) if one != pid)
    return _resident_bytes(pid) + below.private_bytes


def _sum(parts: Iterable[Footprint]) -> Footprint:
    return sum(parts, Footprint())


def families() -> Callable[[int], Iterator[int]]:
    """Return what lists a process with all its descendants, as they are now."""
    children = defaultdict(list)
    for child, parent in parents():
        children[parent].append(child)

    def family(pid: int) -> Iterator[int]:
        yield pid
        for child in children[pid]:
            yield from family(child)

    return family


def _resident_bytes(pid: int) -> int:
    statm = _read(pid, "statm")
    return int(statm.split()[1]) * _PAGE_BYTES if statm else 0


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
