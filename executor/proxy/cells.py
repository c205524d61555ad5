"""The private places of function processes: a folder each and, as root, a user each."""

import errno
import os
import shutil
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from . import linux

UID_COUNT = 256
"""Users of an instance; they are given out in turn, so that one is not soon used again."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """How function processes are kept apart.

    Attributes
    ----------
    users
        Each process has a user of its own, from ``base_uid`` on, without privileges.
    mounts
        Each process has a view of the file system of its own.
    reason
        Why something of that is off; empty otherwise.
    user_count
        How many users there are; with one, all processes share it.
    """

    users: bool
    mounts: bool
    base_uid: int
    reason: str = ""
    user_count: int = UID_COUNT

    def describe(self) -> dict[str, Any]:
        """Return what clients are told."""
        return {"users": self.users, "mounts": self.mounts, "reason": self.reason}


def detect(base_uid: int, *, wanted: bool) -> Isolation:
    """Find out which isolation this process can give to its children."""
    if not wanted:
        return Isolation(users=False, mounts=False, base_uid=base_uid, reason="switched off")
    if os.geteuid() != 0:
        return Isolation(users=False, mounts=False, base_uid=base_uid, reason="not run by root")
    error = linux.try_in_child(
        lambda: linux.leave_namespaces(linux.CLONE_NEWNS | linux.CLONE_NEWIPC)
    )
    reason = "" if error == 0 else f"no mount namespaces: {os.strerror(error)}"
    return Isolation(users=True, mounts=error == 0, base_uid=base_uid, reason=reason)


@dataclass(frozen=True, slots=True)
class Cell:
    """A place for one process: its home, and its user, None without isolation.

    ``stand_ins`` is an empty folder, the same for all cells, for the process's view.
    """

    home: Path
    stand_ins: Path
    uid: int | None


class Cells:
    """Gives out cells below a folder that belongs to it alone."""

    def __init__(self, folder: Path, isolation: Isolation) -> None:
        self.isolation = isolation
        self._folder = folder
        self._stand_ins = folder / "view"
        self._stand_ins.mkdir(mode=0o700)
        self._numbers = count()
        self._turns = count()
        self._users: set[int] = set()

    def open(self) -> Cell:
        """Make a new cell.

        Raises
        ------
        OSError
            If all users are taken, or there is no room for it.
        """
        uid = self._next_user() if self.isolation.users else None
        home = self._folder / str(next(self._numbers))
        home.mkdir(mode=0o700)
        if uid is not None:
            os.chown(home, uid, uid)
            self._users.add(uid)
        return Cell(home, self._stand_ins, uid)

    def close(self, cell: Cell) -> None:
        """Remove a cell whose process is dead; most leave nothing in it, which is quicker gone."""
        if cell.uid is not None:
            self._users.discard(cell.uid)
        try:
            cell.home.rmdir()
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            shutil.rmtree(cell.home)

    def _next_user(self) -> int:
        """Return the next user in turn that nobody has; one that all share is nobody's own."""
        users = self.isolation.user_count
        for _ in range(users):
            uid = self.isolation.base_uid + next(self._turns) % users
            if users == 1 or uid not in self._users:
                return uid
        raise OSError(errno.EAGAIN, f"all {users} users of the instance are taken")
