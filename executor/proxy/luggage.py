"""What a function has written before a snapshot of it is taken, and must find again when restored.

Packed and unpacked as the function's user and nothing more, since what is in there, and where it
leads to, is the function's choice.
"""

import os
import tarfile
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

from .cells import Cell
from .view import SHARED_FOLDERS


def pack(cell: Cell, shown: Iterable[Path], descriptor: int) -> bool:
    """Write all files of the private temporary folders to an open file; False if that fails.

    Run by root in the function's view; what is ``shown`` there is not the function's.
    """

    def write() -> None:
        with (
            os.fdopen(descriptor, "wb") as file,
            tarfile.open(fileobj=file, mode="w|") as archive,
        ):
            for path in _written(tuple(shown)):
                archive.add(path)

    return _as_user(cell, write)


def unpack(cell: Cell, descriptor: int) -> bool:
    """Write the files again that were packed; False if that fails."""

    def read() -> None:
        with (
            os.fdopen(descriptor, "rb") as file,
            tarfile.open(fileobj=file, mode="r|") as archive,
        ):
            archive.extractall("/", filter="tar")

    return _as_user(cell, read)


def _written(shown: tuple[Path, ...]) -> Iterable[Path]:
    for folder in SHARED_FOLDERS:
        for path in folder.glob("*"):
            if not any(one.is_relative_to(path) for one in shown):
                yield path


def _as_user(cell: Cell, act: Callable[[], None]) -> bool:
    """Do something in a process of the cell's user."""
    pid = os.fork()
    if pid == 0:
        try:
            assert cell.uid is not None
            os.setgroups([])
            os.setresgid(cell.uid, cell.uid, cell.uid)
            os.setresuid(cell.uid, cell.uid, cell.uid)
            act()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
