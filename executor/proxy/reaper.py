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
from .signals import send_to_user


class Reaper:
    """Watches children on the running loop; one a process.

    A watched child leads a process group; what is left of that is killed when the child dies.
    """

    def __init__(self) -> None:
        self._watched: dict[int, Callable[[int], None]] = {}
        self._sweeps: list[Callable[[], None]] = []
        self._users: set[int] = set()
        self._expected = 0
        self._early: dict[int, int] = {}
        linux.adopt_orphans()
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)

    def watch(self, pid: int, on_exit: Callable[[int], None]) -> None:
        """Call back with the exit code (negative: the signal) when a child has died."""
        if pid in self._early:
            asyncio.get_running_loop().call_soon(on_exit, self._early.pop(pid))
        else:
            self._watched[pid] = on_exit

    def expect(self) -> None:
        """Note that a child will come whose process id is not known yet; sweeps wait for it."""
        self._expected += 1

    def unexpect(self) -> None:
        """Note that a child that was expected is watched by now, or will not come."""
        self._expected -= 1
        if self._expected == 0:
            self._early.clear()
        self._continue_sweep()

    def sweep(self, on_clear: Callable[[], None], user: int | None = None) -> None:
        """Kill the children that nobody watches; call back when none is left.

        Those who die together are swept up after together: finding children takes milliseconds.

        Parameters
        ----------
        user
            If there are such children, all processes of this user go at once, so that none can
            multiply faster than it is found.
        """
        self._sweeps.append(on_clear)
        if user is not None:
            self._users.add(user)
        asyncio.get_running_loop().call_soon(self._continue_sweep)

    def strays(self, leader: int) -> bool:
        """Whether what a watched child has started may be outside its process group.

        Whoever is has an ancestor that is a child of the group's, or one that nobody watches; the
        latter are looked for last, since those whose parent dies become such.
        """
        try:
            outside = any(os.getpgid(pid) != leader for pid in _descendants(leader))
        except (FileNotFoundError, ProcessLookupError):  # one has died while it was looked at
            return True
        return outside or any(pid not in self._watched for pid in children(os.getpid()))

    def _reap(self) -> None:
        while (pid := _next_dead_child()) is not None:
            on_exit = self._watched.pop(pid, None)
            if on_exit is not None or self._expected:
                _kill_group(pid)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            if on_exit is not None:
                on_exit(code)
            elif self._expected:
                self._early[pid] = code
        self._continue_sweep()

    def _continue_sweep(self) -> None:
        if not self._sweeps or self._expected:
            return
        orphans = [pid for pid in children(os.getpid()) if pid not in self._watched]
        for pid in orphans:
            os.kill(pid, signal.SIGKILL)
        users, self._users = self._users, set()
        if orphans:
            for user in users:
                send_to_user(user, signal.SIGKILL)
        else:
            sweeps, self._sweeps = self._sweeps, []
            for on_clear in sweeps:
                on_clear()


def children(pid: int) -> list[int]:
    """List the children of a process, dead ones that wait to be reaped included.

    None is missed that is there all the while, if nothing reaps them meanwhile (proc(5)).
    """
    threads = Path(f"/proc/{pid}/task").iterdir()
    lists = [Path(thread, "children").read_bytes() for thread in threads]
    return [int(child) for line in lists for child in line.split()]


def _descendants(pid: int) -> Iterator[int]:
    for child in children(pid):
        yield child
        yield from _descendants(child)


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
