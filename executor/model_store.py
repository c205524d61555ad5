"""The model store: files that go by what is in them, read-only, and checked before they are used.

Lies in the folder ``sha256`` of the models, one file for each content, so that functions that use
the same weights, of whatever owner, map the same file and have it in memory once.
"""

import os
import re
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from executor.errors import HeadstartError

PREFIX = "sha256:"
"""Of a reference to a file in the store; the digest in hexadecimal follows."""

_REFERENCE = re.compile(rf"{PREFIX}[0-9a-f]{{64}}")
_CHUNK_BYTES = 1 << 20
_PART = ".part-"
_READ_ONLY = 0o444
_OPEN_TO_ALL = 0o755


class ModelError(HeadstartError):
    """A file of the store is missing or damaged, or cannot be added."""


class ModelStore:
    """The store in a folder of models.

    Attributes
    ----------
    folder
        Holds the files; made when the first one is added.
    """

    def __init__(self, models: Path) -> None:
        self.folder = models.absolute() / PREFIX.removesuffix(":")
        self._checked: set[str] = set()

    def references(self) -> list[str]:
        """List what is in the store."""
        if not self.folder.is_dir():
            return []
        names = sorted(file.name for file in self.folder.iterdir())
        return [PREFIX + name for name in names if _REFERENCE.fullmatch(PREFIX + name)]

    def add(self, file: Path) -> str:
        """Copy a file into the store, unless it is there, and return its reference.

        Raises
        ------
        ModelError
            If it cannot be read, or there is no room; nothing is left of it then.
        """
        try:
            return PREFIX + self._copy(file)
        except OSError as error:
            raise ModelError(f"{file} cannot be added to {self.folder}: {error}") from error

    def check(self, reference: str) -> Path:
        """Return the file of a reference when its content is what that says; read once a store.

        Raises
        ------
        ModelError
            If it is not there or has another content by now, or this is no reference.
        """
        if not _REFERENCE.fullmatch(reference):
            raise ModelError(f"{reference} is no reference: expected {PREFIX} and 64 digits")
        file = self.folder / reference.removeprefix(PREFIX)
        if reference not in self._checked:
            try:
                digest = _digest(file)
            except OSError as error:
                raise ModelError(
                    f"{reference} is not in {self.folder}: {error.strerror}"
                ) from error
            if PREFIX + digest != reference:
                raise ModelError(f"{file} is damaged: its content is {PREFIX}{digest}")
            self._checked.add(reference)
        return file

    def _copy(self, file: Path) -> str:
        self.folder.mkdir(mode=_OPEN_TO_ALL, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=_PART)
        part = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as copy:
                digest = _digest(file, copy.write)
                copy.flush()
                os.fsync(copy.fileno())
            part.chmod(_READ_ONLY)
            part.replace(self.folder / digest)
        except BaseException:
            part.unlink()
            raise
        return digest


def _digest(file: Path, use: Callable[[bytes], object] = len) -> str:
    """Read a file once: for its digest, and to use its pieces."""
    digest = sha256()
    with file.open("rb") as stream:
        while piece := stream.read(_CHUNK_BYTES):
            digest.update(piece)
            use(piece)
    return digest.hexdigest()
