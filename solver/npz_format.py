"""Problem as a compressed NumPy archive, for problems too large for JSON."""

import struct
import zipfile
import zlib
from dataclasses import fields
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import orjson

from solver.errors import InvalidProblem
from solver.problem import Problem

VERSION: Final = 1
_Array = np.ndarray[Any, Any]
_BROKEN: Final = (
    OSError,
    ValueError,
    EOFError,
    MemoryError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
"""What NumPy and zipfile raise for files that are no archive of plain arrays."""


def write_npz(problem: Problem, path: Path) -> None:
    """Write every column of a problem; names travel as JSON text."""
    columns = {field.name: getattr(problem, field.name) for field in fields(problem)}
    arrays: dict[str, Any] = {
        name: np.frombuffer(orjson.dumps(column), dtype=np.uint8)
        if isinstance(column, tuple)
        else column
        for name, column in columns.items()
    }
    with path.open("wb") as file:
        np.savez_compressed(file, version=np.int64(VERSION), **arrays)


def read_npz(path: Path) -> Problem:
    """Read a problem.

    Raises
    ------
    InvalidProblem
        When the file is no such archive, or the problem breaks a rule.
    OSError
        When the file cannot be opened.
    """
    with path.open("rb") as file:
        arrays = _load(file)
    version = arrays.pop("version", None)
    if version is None or version.shape != () or version != VERSION:
        raise InvalidProblem("version", version, f"{VERSION}")
    known = {field.name for field in fields(Problem)}
    if arrays.keys() != known:
        raise InvalidProblem("columns", sorted(arrays.keys() ^ known), "exactly those of a problem")
    columns: dict[str, Any] = {name: _column(name, array) for name, array in arrays.items()}
    return Problem(**columns)


def _load(file: BinaryIO) -> dict[str, _Array]:
    try:
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise InvalidProblem("NPZ archive", "a single array", "an archive of plain arrays")
        arrays = {name: archive[name] for name in archive.files}
    except _BROKEN as error:
        raise InvalidProblem("NPZ archive", str(error), "an archive of plain arrays") from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise InvalidProblem(f"NPZ entry {name!r}", array, "a plain array")
    return arrays


def _column(name: str, array: _Array) -> _Array | tuple[object, ...]:
    if not name.endswith("_names"):
        return array
    try:
        names = orjson.loads(array.tobytes())
    except orjson.JSONDecodeError as error:
        raise InvalidProblem(name, array.tobytes()[:80], "a JSON list of names") from error
    if not isinstance(names, list):
        raise InvalidProblem(name, names, "a JSON list of names")
    return tuple(names)
