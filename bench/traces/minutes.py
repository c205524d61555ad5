"""Tables of invocation counts: a row a function, a column a minute of the day."""

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.traces.tables import TraceError, check_width, read_rows

MINUTES_A_DAY = 1440
MIN_ACTIVE_MINUTES = 4
MOST_CALLS = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class MinuteTrace:
    """Counts of calls in each minute.

    Attributes
    ----------
    names
        One for each function, unique.
    first_minute
        Minute of the day (0 is midnight) of the first column.
    counts
        int32[n_functions, n_minutes].
    """

    names: tuple[str, ...]
    first_minute: int
    counts: NDArray[np.int32]

    @property
    def start_s(self) -> float:
        """Seconds since midnight when the trace begins."""
        return self.first_minute * 60.0

    @property
    def end_s(self) -> float:
        """Seconds since midnight when the trace ends."""
        return float(self.start_s + 60.0 * self.counts.shape[1])

    @property
    def digest(self) -> str:
        """Tells traces apart by their contents."""
        start = zlib.crc32("\n".join([str(self.first_minute), *self.names]).encode())
        return f"{zlib.crc32(np.ascontiguousarray(self.counts).tobytes(), start):08x}"

    def only(self, rows: NDArray[np.intp]) -> "MinuteTrace":
        """Return the trace of some of the functions."""
        names = tuple(self.names[row] for row in rows)
        return MinuteTrace(names, self.first_minute, self.counts[rows])


def read_minutes(path: Path) -> MinuteTrace:
    """Read a table of the Azure Functions 2019 layout.

    Columns whose names are numbers are minutes, counted from 1 for the minute after midnight and
    without gaps; a function's name is the columns before them joined. The file may be gzipped.

    Raises
    ------
    TraceError
        If the file is not such a table.
    """
    rows = read_rows(path)
    header = next(rows, [])
    minutes = [column for column, name in enumerate(header) if name.isdecimal()]
    if not minutes:
        raise TraceError(f"{path}: line 1: no minute columns, expected names from 1 to 1440")
    first = int(header[minutes[0]])
    _check_minutes(path, header, minutes, first)
    counts: dict[str, list[int]] = {}
    for line, row in enumerate(rows, start=2):
        check_width(path, line, row, header)
        name = "/".join(row[: minutes[0]])
        if name in counts:
            raise TraceError(f"{path}: line {line}: column 1: {name!r} is there twice")
        counts[name] = [_count(path, line, column + 1, row[column]) for column in minutes]
    if not counts:
        raise TraceError(f"{path}: line 2: no rows, expected one for each function")
    return MinuteTrace(tuple(counts), first - 1, np.array(list(counts.values()), np.int32))


def gap_cv(counts: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the coefficient of variation of the gaps between active minutes.

    Returns
    -------
    NDArray[np.float64]
        float64[n]; NaN where fewer than 4 minutes are active.
    """
    return np.array([_row_gap_cv(row) for row in counts], np.float64)


def _row_gap_cv(row: NDArray[np.int32]) -> float:
    active = np.flatnonzero(row)
    if len(active) < MIN_ACTIVE_MINUTES:
        return float("nan")
    gaps = np.diff(active)
    return float(np.std(gaps) / np.mean(gaps))


def _check_minutes(path: Path, header: list[str], columns: list[int], first: int) -> None:
    for offset, column in enumerate(columns):
        expected = first + offset
        if int(header[column]) != expected or not 1 <= expected <= MINUTES_A_DAY:
            raise TraceError(
                f"{path}: line 1: column {column + 1} is {header[column]!r}, "
                f"expected minute {expected} of 1 to {MINUTES_A_DAY}"
            )


def _count(path: Path, line: int, column: int, text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_CALLS:
        raise TraceError(
            f"{path}: line {line}: column {column}: {text!r}, expected a count of 0 to {MOST_CALLS}"
        )
    return int(text)
