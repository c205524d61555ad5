"""What processes hold, in bytes.

``resident_bytes`` costs microseconds and counts shared pages in full; ``proportional_bytes`` (PSS)
divides shared pages among those who share them, and costs some milliseconds a process.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from .reaper import parents

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int) -> int:
    """Return the resident set of a process (proc(5), statm); 0 when it is gone."""
    statm = _read(pid, "statm")
    return int(statm.split()[1]) * _PAGE_BYTES if statm else 0


def proportional_bytes(pid: int) -> int:
    """Return the proportional set of a process (proc(5), smaps_rollup); 0 when it is gone."""
    for line in _read(pid, "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def measure(pids: Iterable[int], of_process: Callable[[int], int]) -> dict[int, int]:
    """Sum over each process and all its descendants."""
    children = defaultdict(list)
    for child, parent in parents():
        children[parent].append(child)

    def of_tree(pid: int) -> int:
        return of_process(pid) + sum(of_tree(child) for child in children[pid])

    return {pid: of_tree(pid) for pid in pids}


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
