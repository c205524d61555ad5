"""Tables as traces come: comma separated, perhaps gzipped."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path


class TraceError(ValueError):
    """A trace file that cannot be read, with the file, line and column at fault."""


def read_rows(path: Path) -> Iterator[list[str]]:
    """Yield the cells of each line.

    Raises
    ------
    TraceError
        If the file cannot be read or is no such table.
    """
    try:
        data = path.read_bytes()
        text = gzip.decompress(data) if path.suffix == ".gz" else data
        yield from csv.reader(io.StringIO(text.decode()))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise TraceError(f"{path}: {error}") from error


def check_width(path: Path, line: int, row: list[str], header: list[str]) -> None:
    """Refuse a line that has not as many cells as the header."""
    if len(row) != len(header):
        raise TraceError(f"{path}: line {line}: {len(row)} columns, expected {len(header)}")
