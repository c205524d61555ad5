"""The keeper of a function that there shall be a snapshot of: the first of its process ids.

A snapshot can be restored only under the process id that it was taken of, and several may be there
at once. So each function has a set of ids of its own, in which it always has the same. The keeper
starts or restores it, and all in the set dies with the keeper.
"""

import json
import os
import select
import signal
import stat
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

from . import linux, luggage
from .launch import Order, become, drop_rights, reset_signals

FUNCTION_PID = 300
"""Of the function, in its own set of ids; above those that restoring takes."""

LINKS = "links.json"
"""In a snapshot: what each open file that leads to the manager is called there."""

LUGGAGE = "files.tar"
"""In a snapshot: what the function has written."""

MARK = "HEADSTART_INSTANCE"
"""Names the instance of a process in its environment, for the server to find what is left of one.

A restored function has the environment of where it was dumped, so that it must not have this; its
keeper has.
"""

_SIGNALLED = 128
"""Added to the number of a signal, it makes the status of who was killed by it, as in shells."""


@dataclass(frozen=True, slots=True)
class Restorer:
    """The program ``criu``, and the snapshot to restore."""

    criu: str
    image: Path


def start(
    order: Order, descriptors: Mapping[int, int], restorer: Restorer | None
) -> tuple[int, int]:
    """Start a keeper; return its process id, and a pipe that its words come by.

    A word is ``restored``, or ``failed`` and why; then the function was started as without one.

    Parameters
    ----------
    descriptors
        The only open files of the function, as for ``launch.execute``.
    """
    words, theirs = os.pipe()
    image = os.open(restorer.image, os.O_PATH) if restorer is not None else None
    home = os.open(order.cell.home, os.O_PATH)
    manager = os.pidfd_open(os.getpid())
    pid = linux.fork_first()
    if pid == 0:
        try:
            _keep(_Task(order, descriptors, restorer, image, home, manager, theirs))
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
    for descriptor in (theirs, home, manager, *([] if image is None else [image])):
        os.close(descriptor)
    return pid, words


@dataclass(frozen=True, slots=True)
class _Task:
    """What a keeper has to do, and its own open files."""

    order: Order
    descriptors: Mapping[int, int]
    restorer: Restorer | None
    image: int | None
    home: int
    manager: int
    words: int

    def say(self, word: str) -> None:
        os.write(self.words, word.encode())

    def open_files(self) -> set[int]:
        own = {self.home, self.manager, self.words, *self.descriptors.values()}
        return own if self.image is None else own | {self.image}


def _keep(task: _Task) -> NoReturn:
    reset_signals()
    os.setsid()
    linux.die_with_parent(signal.SIGKILL)
    if select.select([task.manager], [], [], 0)[0]:
        raise ProcessLookupError("the manager has died")
    assert task.order.view is not None
    task.order.view.enter(task.order.cell.stand_ins)
    linux.mount_processes()
    _close_all_but(task.open_files())
    function = FUNCTION_PID
    if not _restored(task):
        function = _start_function(task)
    _close_all_but(())
    os._exit(_outlive(function))


def _restored(task: _Task) -> bool:
    """Restore the function; False if there is nothing to restore, or it fails."""
    if task.restorer is None or task.image is None:
        return False
    files = os.open(f"/proc/self/fd/{task.image}/{LUGGAGE}", os.O_RDONLY)
    packed = luggage.unpack(task.order.cell, files)
    os.close(files)
    if not packed:
        task.say("failed its files cannot be written again")
        return False
    errors, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        _execute_criu(task.restorer.criu, task.image, task, theirs)
    os.close(theirs)
    with os.fdopen(errors, errors="replace") as stream:
        text = stream.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    task.say("restored" if code == 0 else f"failed {text.strip() or f'criu ended with {code}'}")
    return code == 0


def _execute_criu(criu: str, image: int, task: _Task, errors: int) -> NoReturn:
    folder = f"/proc/self/fd/{image}"
    links: dict[str, str] = json.loads(Path(folder, LINKS).read_text())
    inherited = {link: task.descriptors[int(number)] for number, link in links.items()}
    options = [f"--inherit-fd=fd[{number}]:{link}" for link, number in inherited.items()]
    for descriptor in (image, task.home, *inherited.values()):
        os.set_inheritable(descriptor, True)
    os.dup2(errors, 1)
    os.dup2(errors, 2)
    where = ["--images-dir", folder, "--work-dir", f"/proc/self/fd/{task.home}"]
    command = [criu, "restore", "--restore-detached", "--file-locks", "-v1", *where, *options]
    try:
        os.execv(criu, command)  # noqa: S606
    except OSError as error:
        os.write(errors, f"{criu}: {error}".encode())
    finally:
        os._exit(1)


def _start_function(task: _Task) -> int:
    Path("/proc/sys/kernel/ns_last_pid").write_text(str(FUNCTION_PID - 1))
    pid = os.fork()
    if pid == 0:
        os.setsid()
        files = {number: _seen_here(file) for number, file in task.descriptors.items()}
        become(task.order, files, lambda: drop_rights(task.order))
    return pid


def _seen_here(file: int) -> int:
    """Open ``/dev/null`` anew: of files a snapshot must find the mount that they were opened on."""
    return os.open(os.devnull, os.O_RDONLY) if stat.S_ISCHR(os.fstat(file).st_mode) else file


def _outlive(function: int) -> int:
    """Reap all children until the function is dead, and return what status to end with."""
    while True:
        pid, status = os.wait()
        if pid == function:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else _SIGNALLED - code


def _close_all_but(kept: Iterable[int]) -> None:
    """Close what was inherited from the manager, but for its log."""
    edges = [sys.stderr.fileno(), *sorted(kept), os.sysconf("SC_OPEN_MAX")]
    for low, high in pairwise(edges):
        os.closerange(low + 1, high)
