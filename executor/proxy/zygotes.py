"""The manager's side of zygotes: one for each library that functions share."""

import asyncio
import os
import pickle
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Protocol

from .launch import SPAWNED, Order
from .reaper import Reaper
from .spec import Spec
from .stream import Reader, Tail
from .zygote import MESSAGE_BYTES

_CODE = Path(__file__).parents[2]
_CHANNEL = 3

_HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""Let the heap have pages of 2 MiB (glibc manual, memory allocation tunables), where the kernel has
any (``madvise``): a process with torch is then forked in 2 ms rather than 4, and seven of its kind
are gone in 15 ms rather than 30 (``docs/live.md``). It makes the import itself no slower.
"""


class Applicant(Protocol):
    """A process that is to be forked; told once how that went."""

    def started(self, pid: int) -> None:
        """Take that it runs."""

    def lost(self, error: str) -> None:
        """Take that there will be none."""


@dataclass(frozen=True, slots=True)
class _Request:
    order: Order
    descriptors: dict[int, int]
    applicant: Applicant

    def close(self) -> None:
        for descriptor in {*self.descriptors.values()}:
            os.close(descriptor)


class Zygote:
    """One zygote's process; orders that come before it is ready wait for that."""

    def __init__(self, spec: Spec, reaper: Reaper, on_end: Callable[[], None]) -> None:
        self._reaper = reaper
        self._on_end = on_end
        self._ready = False
        self._error = ""
        self._waiting: deque[_Request] = deque()
        self._open: dict[int, Applicant] = {}
        self._numbers = count()
        self._log = Tail()
        self._loop = asyncio.get_running_loop()
        self.pid = self._start(spec)
        reaper.watch(self.pid, self._exited)

    def launch(self, order: Order, descriptors: dict[int, int], applicant: Applicant) -> None:
        """Fork a process; ``descriptors``, as for ``execute``, are closed when it is done."""
        self._waiting.append(_Request(order, descriptors, applicant))
        if self._ready:
            self._send_all()

    def withdraw(self, applicant: Applicant) -> bool:
        """Take an order back; False when that is too late."""
        for request in self._waiting:
            if request.applicant is applicant:
                self._waiting.remove(request)
                request.close()
                return True
        return False

    def kill(self) -> None:
        """End it; what it has forked goes on."""
        os.kill(self.pid, signal.SIGKILL)

    def _start(self, spec: Spec) -> int:
        ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        log, log_end = os.pipe()
        descriptors = {1: log_end, 2: log_end, _CHANNEL: theirs.fileno()}
        pid = os.posix_spawn(
            spec.python,
            [spec.python, "-P", "-m", f"{__package__}.zygote", str(_CHANNEL), *spec.libraries],
            _environment(spec),
            file_actions=list(_install(descriptors)),
            setsid=True,
        )
        theirs.close()
        os.close(log_end)
        self._log_reader = Reader(log, self._log.add)
        self._channel = ours
        ours.setblocking(False)
        self._loop.add_reader(ours, self._receive)
        return pid

    def _send_all(self) -> None:
        while self._waiting:
            request, number = self._waiting.popleft(), next(self._numbers)
            data = pickle.dumps((number, list(request.descriptors), _begun_now(request.order)))
            self._open[number] = request.applicant
            self._reaper.expect()
            socket.send_fds(self._channel, [data], list(request.descriptors.values()))
            request.close()

    def _receive(self) -> None:
        try:
            data = self._channel.recv(MESSAGE_BYTES)
        except (BlockingIOError, ConnectionResetError):
            return
        match data.decode().split(" ", 1):
            case ["ready", _]:
                self._ready = True
                self._send_all()
            case ["error", error]:
                self._error = error
            case [number, pid]:
                self._open.pop(int(number)).started(int(pid))
                self._reaper.unexpect()
            case _:
                self._loop.remove_reader(self._channel)

    def _exited(self, code: int) -> None:
        self._loop.remove_reader(self._channel)
        self._channel.close()
        self._log_reader.drain()
        self._log_reader.close()
        error = self._error or f"the process of its library ended with {code}: {self._log.text()}"
        for request in self._waiting:
            request.close()
        applicants = [*self._open.values(), *(request.applicant for request in self._waiting)]
        for _ in self._open:
            self._reaper.unexpect()
        self._open.clear()
        self._waiting.clear()
        for applicant in applicants:
            applicant.lost(error)
        self._on_end()


class Zygotes:
    """The zygotes of an instance; ``on_end`` is told of each that has ended."""

    def __init__(self, reaper: Reaper, on_end: Callable[[str], None]) -> None:
        self._reaper = reaper
        self._on_end = on_end
        self._zygotes: dict[str, Zygote] = {}

    def of(self, spec: Spec) -> Zygote | None:
        """Return the zygote for a function's library, started if need be; None without library."""
        library = spec.library
        if library and library not in self._zygotes:
            self._zygotes[library] = Zygote(spec, self._reaper, lambda: self._ended(library))
        return self._zygotes.get(library)

    def pids(self) -> dict[str, int]:
        """Return the process of each library."""
        return {library: zygote.pid for library, zygote in self._zygotes.items()}

    def kill(self, library: str) -> None:
        """End the zygote of a library."""
        self._zygotes[library].kill()

    def _ended(self, library: str) -> None:
        del self._zygotes[library]
        self._on_end(library)


def _begun_now(order: Order) -> Order:
    """Let a function count from here what its load takes: the import before is its library's."""
    return replace(order, environment={**order.environment, SPAWNED: repr(time.monotonic())})


def _install(descriptors: dict[int, int]) -> Iterator[tuple[int, int, int]]:
    """Copy files above the numbers that they shall have, then down to them."""
    above = max(*descriptors, *descriptors.values()) + 1
    for number, source in descriptors.items():
        yield os.POSIX_SPAWN_DUP2, source, above + number
    for number in descriptors:
        yield os.POSIX_SPAWN_DUP2, above + number, number


def _environment(spec: Spec) -> dict[str, str]:
    """Compose the environment: of the function's own only the numbers of threads.

    A zygote has all rights of the manager, so nothing that a function says may choose its code.
    """
    return {
        **os.environ,
        **spec.threads(),
        **_HUGE_PAGES,
        "PYTHONPATH": str(_CODE),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
