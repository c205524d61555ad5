"""Reaps every child, as the init of a container must: those it watches, and orphans.

A function's processes may leave its process group; when the function dies they become children of
the reaper, since that adopts all orphans among its descendants.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from . import linux


class Reaper:
    """Watches children on the running loop; one a process.

    A watched child leads a process group; what is left of that is killed when the child dies.
    """

    def __init__(self) -> None:
        self._watched: dict[int, Callable[[int], None]] = {}
        self._sweeps: list[Callable[[], None]] = []
        linux.adopt_orphans()
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)

    def watch(self, pid: int, on_exit: Callable[[int], None]) -> None:
        """Call back with the exit code (negative: the signal) when a child has died."""
        self._watched[pid] = on_exit

    def sweep(self, on_clear: Callable[[], None]) -> None:
        """Kill the children that nobody watches; call back when none is left."""
        self._sweeps.append(on_clear)
        self._continue_sweep()

    def _reap(self) -> None:
        while (pid := _next_dead_child()) is not None:
            on_exit = self._watched.pop(pid, None)
            if on_exit is not None:
                _kill_group(pid)
            _, status = os.waitpid(pid, 0)
            if on_exit is not None:
                on_exit(os.waitstatus_to_exitcode(status))
        self._continue_sweep()

    def _continue_sweep(self) -> None:
        if not self._sweeps:
            return
        orphans = [pid for pid in children(os.getpid()) if pid not in self._watched]
        for pid in orphans:
            os.kill(pid, signal.SIGKILL)
        if not orphans:
            sweeps, self._sweeps = self._sweeps, []
            for on_clear in sweeps:
                on_clear()


def children(pid: int) -> list[int]:
    """List the children of a process, dead ones that wait to be reaped included."""
    return [child for child, parent in parents() if parent == pid]


def parents() -> Iterator[tuple[int, int]]:
    """Iterate over all processes, each with its parent."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                stat = Path(entry.path, "stat").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            yield int(entry.name), int(stat[stat.rindex(b")") + 2 :].split(maxsplit=2)[1])


def _next_dead_child() -> int | None:
    """Return a child that is dead but not yet reaped, so that its id is still its own."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return found.si_pid if found is not None else None


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
