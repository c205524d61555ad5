"""The folder of one server below its state directory, which tells whether the server still lives.

A server holds a lock on its folder. One that was killed has lost it, so the next takes the folder
over, and with it the name that the instances go by.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from executor.errors import PermanentFailure


@dataclass(frozen=True, slots=True)
class Home:
    """A server's own folder and name, and the folders of other killed servers, to be cleared."""

    folder: Path
    name: str
    abandoned: tuple[Path, ...]


@contextmanager
def home(directory: Path, prefix: str) -> Iterator[Home]:
    """Hold a folder whose name begins with ``prefix``; it is removed in the end.

    One that another server has left stays if this one fails, for the next to try.

    Raises
    ------
    PermanentFailure
        If there can be none.
    """
    with ExitStack() as locks:
        left = [one for one in directory.glob(f"{prefix}*") if _hold(one, locks)]
        left.sort(key=lambda one: -one.stat().st_mtime)
        if not left:
            folder = directory / f"{prefix}{uuid4().hex}"
            _make(folder)
            _hold(folder, locks)
            locks.callback(shutil.rmtree, folder)
            yield Home(folder, folder.name.removeprefix(prefix), ())
            return
        folder, *abandoned = left
        yield Home(folder, folder.name.removeprefix(prefix), tuple(abandoned))
        shutil.rmtree(folder)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o711, parents=True)
    except OSError as error:
        raise PermanentFailure(f"state: {folder} cannot be made: {error.strerror}") from error


def _hold(folder: Path, locks: ExitStack) -> bool:
    """Lock a folder; False if its server lives."""
    lock = locks.enter_context((folder / "lock").open("w"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
