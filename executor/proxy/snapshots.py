"""Snapshots of functions that have loaded, taken by the program ``criu`` and kept in a folder.

It runs in the namespaces of the function, which therefore are no part of the snapshot, and as the
function's user, since the kernel lets it read that one's limits then, but with root's capabilities.
"""

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from . import linux, luggage
from .keeper import FUNCTION_PID, LINKS, LUGGAGE, Restorer
from .launch import Order, reset_signals
from .reaper import children

_LOG = "dump.log"
_LINKS = ("socket:", "pipe:")
_FAILED = ".failed"


class Unfit(Exception):
    """A function cannot be restored from a snapshot, for the reason given."""


class Snapshots:
    """The snapshots of a server, by names that tell versions of functions apart.

    What has failed once is not tried again: a file in the place of the snapshot says so.
    """

    def __init__(self, folder: Path, criu: str) -> None:
        self._folder = folder
        self._criu = criu

    def restorer(self, name: str) -> Restorer | None:
        """Return what restores a snapshot, None if there is none."""
        image = self._folder / name
        return Restorer(self._criu, image) if image.is_dir() else None

    def lacks(self, name: str) -> bool:
        """Whether there is no snapshot, and none has failed."""
        return not (self._folder / name).exists() and not self._failure(name).exists()

    def give_up(self, name: str, error: str) -> None:
        """Note that a snapshot cannot be taken or restored, and remove it."""
        self._failure(name).write_text(error)
        shutil.rmtree(self._folder / name, ignore_errors=True)

    def begin(self, name: str, keeper: int, order: Order, links: Iterable[int]) -> int:
        """Begin to take a snapshot of a keeper's function; return the process that does it.

        Parameters
        ----------
        order
            By which the function was started.
        links
            The numbers of its open files that lead to the manager.

        Raises
        ------
        Unfit
            If there can be none.
        """
        function = _function_of(keeper)
        part = self._part(name)
        part.mkdir(mode=0o700)
        folder = Path(f"/proc/{function}/fd")
        files = {number: str((folder / str(number)).readlink()) for number in links}
        names = {number: one for number, one in files.items() if one.startswith(_LINKS)}
        (part / LINKS).write_text(json.dumps(names))
        pid = os.fork()
        if pid == 0:
            try:
                self._take(keeper, order, part, {*names.values()})
            finally:
                os._exit(1)
        return pid

    def finish(self, name: str, code: int) -> None:
        """Keep what was taken by a process that ended with a status.

        Raises
        ------
        Unfit
            If that is no snapshot.
        """
        part = self._part(name)
        if code != 0:
            text = (part / _LOG).read_text(errors="replace").strip()
            shutil.rmtree(part)
            raise Unfit(text or f"criu ended with {code}")
        if (self._folder / name).exists():
            shutil.rmtree(part)
        else:
            part.rename(self._folder / name)

    def _part(self, name: str) -> Path:
        return self._folder / f"{name}.{os.getpid()}"

    def _failure(self, name: str) -> Path:
        return self._folder / f"{name}{_FAILED}"

    def _take(self, keeper: int, order: Order, part: Path, links: set[str]) -> NoReturn:
        reset_signals()
        assert order.cell.uid is not None
        assert order.view is not None
        folder = os.open(part, os.O_PATH)
        files = os.open(part / LUGGAGE, os.O_WRONLY | os.O_CREAT, 0o600)
        log = os.open(part / _LOG, os.O_WRONLY | os.O_CREAT, 0o600)
        kinds = {"pid": linux.CLONE_NEWPID, "ipc": linux.CLONE_NEWIPC, "mnt": linux.CLONE_NEWNS}
        spaces = [(os.open(f"/proc/{keeper}/ns/{one}", os.O_RDONLY), kinds[one]) for one in kinds]
        for descriptor, kind in spaces:
            linux.join_namespace(descriptor, kind)
        pid = os.fork()
        if pid != 0:
            os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 0xFF)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if not luggage.pack(order.cell, order.view.shown, files):
            os._exit(1)
        linux.become_with_capabilities(order.cell.uid)
        os.set_inheritable(folder, True)
        sockets = (link for link in links if link.startswith("socket:"))
        outside = [f"--external={link.replace('socket:', 'unix')}" for link in sockets]
        where = ["--tree", str(FUNCTION_PID), "--images-dir", f"/proc/self/fd/{folder}"]
        how = ["--leave-running", "--unprivileged", "--file-locks", "-v1"]
        os.execv(self._criu, [self._criu, "dump", *where, *how, *outside])  # noqa: S606


def _function_of(keeper: int) -> int:
    """Return the process id of a keeper's function, if it has left no others behind."""
    processes = children(keeper)
    if len(processes) != 1:
        raise Unfit("it has started processes that do not end with it")
    return processes[0]
