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
from pathlib import Path

from . import linux
from .launch import Order, confine, install

MESSAGE_BYTES = 1 << 17
"""Orders must be smaller: half of what a socket of this kind takes at least (socket(7))."""

MAX_FILES = 8


class TooManyThreads(Exception):
    """A library starts threads when it is imported, which a fork would not have."""


def prepare(modules: Sequence[str]) -> None:
    """Import what the functions share.

    Raises
    ------
    TooManyThreads
        If this process has more than one thread afterwards.
    """
    for module in modules:
        importlib.import_module(module)
    threads = sum(1 for _ in Path("/proc/self/task").iterdir())
    if threads > 1:
        raise TooManyThreads(
            f"importing {', '.join(modules)} starts {threads - 1} threads; set OMP_NUM_THREADS=1"
        )
    gc.collect()
    gc.freeze()


def serve(channel: socket.socket) -> Order | None:
    """Fork a process for each order; returns the order in that process, and None at the end.

    The process is a child of this one's parent, which learns its id from the answer.
    """
    parent = os.getppid()
    while True:
        data, descriptors, _, _ = socket.recv_fds(channel, MESSAGE_BYTES, MAX_FILES)
        if not data:
            return None
        order: Order
        number, numbers, order = pickle.loads(data)  # noqa: S301 - from the manager alone
        pid = _fork_for(parent)
        if pid == 0:
            channel.close()
            _become(order, dict(zip(numbers, descriptors, strict=True)), parent)
            return order
        for descriptor in descriptors:
            os.close(descriptor)
        channel.send(f"{number} {pid}".encode())


def _fork_for(parent: int) -> int:
    """Fork a process that ``parent`` adopts; returns its id, and 0 in it."""
    reader, writer = os.pipe()
    middle = os.fork()
    if middle != 0:
        os.close(writer)
        with os.fdopen(reader, "rb") as answer:
            pid = int(answer.read())
        os.waitpid(middle, 0)
        return pid
    os.close(reader)
    dying = os.pidfd_open(os.getpid())
    pid = os.fork()
    if pid != 0:
        os.write(writer, str(pid).encode())
        os._exit(0)
    os.close(writer)
    # A process id file becomes readable once the children of the dead process have been adopted.
    select.select([dying], [], [])
    os.close(dying)
    if os.getppid() != parent:
        os._exit(1)
    return 0


def _become(order: Order, descriptors: dict[int, int], parent: int) -> None:
    try:
        install(descriptors)
        confine(order, parent)
        os.closerange(max(descriptors) + 1, os.sysconf("SC_OPEN_MAX"))
    except BaseException as error:
        os.write(2, f"cannot start {order.arguments[0]}: {error}\n".encode())
        os._exit(1)
    os.environ.clear()
    os.environ.update(order.environment)


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
