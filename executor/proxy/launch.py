"""Starts function processes: fork, give up everything, execute."""

import fcntl
import os
import resource
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from . import linux
from .cells import Cell
from .view import View

SPAWNED = "HEADSTART_SPAWNED_S"
"""In the environment of a function, when its load began, by the monotonic clock."""

_CANNOT_EXECUTE = 126
_PROCESS_LIMIT = 512
_FIRST_TO_DIE = "1000"
"""For the kernel, when memory is short (proc(5), ``oom_score_adj``): the manager must outlive its
functions, to say what has happened."""
_STACK_BYTES_PER_CPU = 32 * 1024 * 1024
"""Allowed on top of the memory limit for the stacks of thread pools: 8 MiB each, rarely touched."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to execute, and where; ``view`` is None without a view of its own."""

    arguments: list[str]
    environment: dict[str, str]
    folder: Path
    cell: Cell
    view: View | None
    memory_limit_bytes: int


def execute(order: Order, descriptors: Mapping[int, int]) -> int:
    """Start a process and return its id; what goes wrong in it is on its standard error.

    Parameters
    ----------
    descriptors
        The only open files of the process: by the number they shall have there, the number they
        have here.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _run(order, descriptors, parent)
    return pid


def _run(order: Order, descriptors: Mapping[int, int], parent: int) -> NoReturn:
    become(order, descriptors, lambda: confine(order, parent))


def become(order: Order, descriptors: Mapping[int, int], prepare: Callable[[], None]) -> NoReturn:
    """Execute the program of an order in the place of this one, when that is prepared."""
    try:
        install(descriptors)
        prepare()
        os.execvpe(order.arguments[0], order.arguments, order.environment)  # noqa: S606
    except BaseException as error:
        os.write(2, f"cannot start {order.arguments[0]}: {error}\n".encode())
    finally:
        os._exit(_CANNOT_EXECUTE)


def install(descriptors: Mapping[int, int]) -> None:
    """Give open files the numbers they shall have; all others close when the program starts."""
    above = max(descriptors) + 1
    copies = {
        number: fcntl.fcntl(source, fcntl.F_DUPFD_CLOEXEC, above)
        for number, source in descriptors.items()
    }
    for number, copy in copies.items():
        os.dup2(copy, number, inheritable=True)


def confine(order: Order, parent: int) -> None:
    """Take from this process all that a function shall not have.

    Raises
    ------
    OSError
        If the kernel refuses.
    """
    reset_signals()
    os.setsid()
    if order.view is not None:
        order.view.enter(order.cell.stand_ins)
    drop_rights(order)
    linux.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        raise ProcessLookupError("the manager has died")


def drop_rights(order: Order) -> None:
    """Become the user of an order, within its limits and in its folder."""
    _limit(order)
    if order.cell.uid is not None:
        os.setgroups([])
        os.setresgid(order.cell.uid, order.cell.uid, order.cell.uid)
        os.setresuid(order.cell.uid, order.cell.uid, order.cell.uid)
    linux.forbid_new_privileges()
    os.umask(0o077)
    os.chdir(order.folder)


def reset_signals() -> None:
    """Handle no signal otherwise than a new program would."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def _limit(order: Order) -> None:
    Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_DIE)
    data = order.memory_limit_bytes + _STACK_BYTES_PER_CPU * (os.cpu_count() or 1)
    resource.setrlimit(resource.RLIMIT_DATA, (data, data))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if order.cell.uid is not None:
        resource.setrlimit(resource.RLIMIT_NPROC, (_PROCESS_LIMIT, _PROCESS_LIMIT))
