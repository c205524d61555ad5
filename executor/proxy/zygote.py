"""The program of a zygote: imports libraries once, then forks function processes that have them.

It never runs a function itself and has one thread, so that what it forks is as good as new. Run as
``python -m executor.proxy.zygote DESCRIPTOR MODULE...``; the descriptor is a socket to the manager.
"""

import gc
import importlib
import os
import pickle
import runpy
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import linux
from .launch import Order, confine, install

MESSAGE_BYTES = 1 << 17
"""Orders must be smaller: half of what a socket of this kind takes at least (socket(7))."""

MAX_FILES = 8

_PID_BYTES = 32


class TooManyThreads(Exception):
    """A library starts threads when it is imported, which a fork would not have."""


def prepare(modules: Sequence[str]) -> None:
    """Import what the functions share, without collecting garbage meanwhile: hardly any comes up.

    Raises
    ------
    TooManyThreads
        If this process has more than one thread afterwards.
    """
    gc.disable()
    _import_sdk()
    for module in modules:
        importlib.import_module(module)
    threads = sum(1 for _ in Path("/proc/self/task").iterdir())
    if threads > 1:
        raise TooManyThreads(
            f"importing {', '.join(modules)} starts {threads - 1} threads; set OMP_NUM_THREADS=1"
        )
    gc.freeze()
    gc.enable()


def _import_sdk() -> None:
    """Import what every function imports, under the name that it has there."""
    sys.path.insert(0, str(Path(__file__).parent / "sdk"))
    importlib.import_module("headstart.serve")
    del sys.path[0]


@dataclass(frozen=True, slots=True)
class _Received:
    """An order as it came: with open files, and the numbers that they shall have."""

    data: bytes
    descriptors: list[int]

    def close(self) -> None:
        for descriptor in self.descriptors:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class _Spare:
    """A process that was forked before its order, since forking takes longest of all.

    Until then it belongs to a process in the middle, whose end makes it a child of the manager.
    """

    pid: int
    middle: int
    channel: socket.socket
    hold: int

    def launch(self, received: _Received) -> None:
        """Give it its order and leave it to the manager."""
        socket.send_fds(self.channel, [received.data], received.descriptors)
        os.close(self.hold)
        os.waitpid(self.middle, 0)
        self.channel.close()


def serve(channel: socket.socket) -> Order | None:
    """Launch a process for each order; returns the order in that process, and None at the end.

    The process is a child of this one's parent, which learns its id from the answer.
    """
    parent = os.getppid()
    while True:
        spare = _fork_ahead(channel)
        if spare is None:
            return None
        if isinstance(spare, _Received):
            return _become(spare, parent)
        received = _receive(channel)
        if received is None:
            return None
        number = pickle.loads(received.data)[0]  # noqa: S301 - from the manager alone
        channel.send(f"{number} {spare.pid}".encode())
        spare.launch(received)
        received.close()


def _receive(channel: socket.socket) -> _Received | None:
    data, descriptors, _, _ = socket.recv_fds(channel, MESSAGE_BYTES, MAX_FILES)
    return _Received(data, descriptors) if data else None


def _fork_ahead(channel: socket.socket) -> _Spare | _Received | None:
    """Fork a process that waits for its order; returns that in it, and None if there is none."""
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    held, hold = os.pipe()
    middle = os.fork()
    if middle != 0:
        theirs.close()
        os.close(held)
        return _Spare(int(ours.recv(_PID_BYTES)), middle, ours, hold)
    for ending in (ours, channel):
        ending.close()
    os.close(hold)
    dying = os.pidfd_open(os.getpid())
    pid = os.fork()
    if pid != 0:
        theirs.send(str(pid).encode())
        theirs.close()
        os.read(held, 1)
        os._exit(0)
    os.close(held)
    received = _receive(theirs)
    theirs.close()
    # A process id file becomes readable once the children of the dead process have been adopted.
    select.select([dying], [], [])
    os.close(dying)
    return received


def _become(received: _Received, parent: int) -> Order:
    order: Order
    _, numbers, order = pickle.loads(received.data)  # noqa: S301 - from the manager alone
    if os.getppid() != parent:
        os._exit(1)
    try:
        descriptors = dict(zip(numbers, received.descriptors, strict=True))
        install(descriptors)
        confine(order, parent)
        os.closerange(max(descriptors) + 1, os.sysconf("SC_OPEN_MAX"))
    except BaseException as error:
        os.write(2, f"cannot start {order.arguments[0]}: {error}\n".encode())
        os._exit(1)
    os.environ.clear()
    os.environ.update(order.environment)
    return order


def run(order: Order) -> None:
    """Do what the order's interpreter would do: run its module or its program as the main one."""
    _, first, *rest = order.arguments
    own = [path for path in order.environment["PYTHONPATH"].split(os.pathsep) if path]
    sys.path[:] = [str(order.folder), *own, *sys.path]
    if first == "-m":
        name, *rest = rest
        sys.argv[:] = [name, *rest]
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = str(Path(order.folder, first).parent)
        sys.argv[:] = [first, *rest]
        runpy.run_path(first, run_name="__main__")


def main() -> None:
    """Prepare, tell how that went, and serve."""
    linux.die_with_parent(signal.SIGKILL)
    channel = socket.socket(fileno=int(sys.argv[1]))
    code = sys.path.pop(0)
    begun_s = time.monotonic()
    try:
        prepare(sys.argv[2:])
    except Exception as error:
        channel.send(f"error {type(error).__name__}: {error}".encode()[:MESSAGE_BYTES])
        raise SystemExit(1) from error
    channel.send(f"ready {time.monotonic() - begun_s}".encode())
    order = serve(channel)
    if order is not None:
        sys.path[:] = [path for path in sys.path if path != code]
        run(order)


if __name__ == "__main__":
    main()
