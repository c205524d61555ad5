"""What a function's process sees of the file system.

A function runs under a user of its own, so that it must be able to *reach* what it needs: its
folder, its model files, the interpreter. A folder on the way that is closed to other users (an
interpreter installed in root's home, for example) is a *barrier*. With a mount namespace of its
own the process sees, in the place of a barrier, an empty folder with only the needed things in it,
so nobody's permissions are changed and the rest of that home is hidden altogether. Shared
temporary folders are replaced by private ones the same way, of which the first is its home.
"""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import linux

_STAND_IN_BYTES = 64 * 1024 * 1024
"""Private copies of shared temporary folders hold this much; they live in memory."""

SHARED_FOLDERS = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108 - made private


class Unreachable(Exception):
    """A function's user may not read what the function needs; the message names the culprit."""


@dataclass(frozen=True, slots=True)
class View:
    """Folders to hide behind empty ones, and what to show all the same."""

    hidden: tuple[Path, ...]
    shown: tuple[Path, ...]

    def enter(self, stand_ins: Path) -> None:
        """Give this process the view; needs root, and is undone by nothing.

        Parameters
        ----------
        stand_ins
            An empty folder, where this process will find those that stand in for the hidden ones.

        Raises
        ------
        OSError
            If the kernel refuses.
        """
        linux.leave_namespaces(linux.CLONE_NEWNS | linux.CLONE_NEWIPC)
        linux.make_mounts_private()
        linux.mount_memory(str(stand_ins), _STAND_IN_BYTES)
        shown = [(path, path.is_dir(), _handle(path)) for path in sorted(self.shown)]
        hidden = [(folder, _handle(_stand_in(folder, stand_ins))) for folder in self.hidden]
        for folder, handle in hidden:
            linux.bind_mount(handle, str(folder))
        for path, is_folder, handle in shown:
            _make_mount_point(path, is_folder=is_folder)
            linux.bind_mount(handle, str(path))


def plan(needs: Iterable[Path], home: Path, *, mounts: bool) -> View:
    """Find out what must be hidden and shown so that a user reaches ``needs`` and its ``home``.

    Raises
    ------
    Unreachable
        If something is closed to other users itself, or lies behind a barrier while there are no
        mount namespaces to be had.
    """
    needed = {place for path in needs for place in (path.absolute(), path.resolve())}
    for path in needed:
        _check_readable(path)
    barriers = {}
    for path in (paths := sorted({*needed, home.absolute()})):
        barrier = _barrier(path)
        if barrier is not None:
            barriers[barrier] = path
    if not mounts:
        for barrier, path in barriers.items():
            raise Unreachable(f"{barrier} is closed to other users, and {path} lies in it")
        return View((), ())
    hidden = _outermost({*barriers, *(folder for folder in SHARED_FOLDERS if folder.is_dir())})
    shown = tuple(path for path in paths if any(path.is_relative_to(one) for one in hidden))
    return View(hidden, shown)


def _barrier(path: Path) -> Path | None:
    """Return the outermost folder on the way to a path that other users may not pass."""
    for folder in reversed(path.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None


def _check_readable(path: Path) -> None:
    mode = path.stat().st_mode
    needed = stat.S_IROTH | stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH
    if mode & needed != needed:
        raise Unreachable(f"{path} is closed to other users: mode {stat.S_IMODE(mode):04o}")


def _outermost(folders: set[Path]) -> tuple[Path, ...]:
    return tuple(sorted(one for one in folders if not folders.intersection(one.parents)))


def _stand_in(folder: Path, stand_ins: Path) -> Path:
    stand_in = stand_ins / folder.relative_to("/").as_posix().replace("/", "-")
    stand_in.mkdir()
    stand_in.chmod(0o1777 if folder in SHARED_FOLDERS else 0o755)
    return stand_in


def _make_mount_point(path: Path, *, is_folder: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_folder:
        path.mkdir(exist_ok=True)
    else:
        path.touch()


def _handle(path: Path) -> str:
    """Return a name for a file that stays good when its path is hidden."""
    return f"/proc/self/fd/{os.open(path, os.O_PATH)}"
