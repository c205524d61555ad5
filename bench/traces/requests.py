"""Logs of requests: a row a request, with its time and perhaps its function."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.traces.spread import Arrivals
from bench.traces.tables import TraceError, check_width, read_rows


@dataclass(frozen=True, slots=True)
class RequestLog:
    """Requests in order of time.

    Attributes
    ----------
    names
        One for each function, unique.
    arrivals
        At times since the log's own zero, which stands for midnight.
    """

    names: tuple[str, ...]
    arrivals: Arrivals


def read_requests(
    path: Path, time_column: str, function_columns: tuple[str, ...] = (), unit_s: float = 1.0
) -> RequestLog:
    """Read a log.

    Parameters
    ----------
    path
        A table with a header, which may be gzipped; its rows in any order.
    time_column
        Name of the column with times, not below zero.
    function_columns
        Names of the columns that tell functions apart; without any, all requests are of one.
    unit_s
        Seconds that a unit of time is.

    Raises
    ------
    TraceError
        If the file is not such a table.
    """
    rows = read_rows(path)
    header = next(rows, [])
    time, *keys = (_find(path, header, name) for name in (time_column, *function_columns))
    numbers: dict[str, int] = {}
    functions, at_s = [], []
    for line, row in enumerate(rows, start=2):
        check_width(path, line, row, header)
        at_s.append(unit_s * _time(path, line, time + 1, row[time]))
        functions.append(numbers.setdefault("/".join(row[key] for key in keys), len(numbers)))
    if not at_s:
        raise TraceError(f"{path}: line 2: no rows, expected one for each request")
    order = np.argsort(at_s, kind="stable")
    arrivals = Arrivals(np.array(functions, np.int64)[order], np.array(at_s, np.float64)[order])
    return RequestLog(tuple(numbers), arrivals)


def _find(path: Path, header: list[str], name: str) -> int:
    if name not in header:
        raise TraceError(f"{path}: line 1: no column {name!r}, expected it among {header}")
    return header.index(name)


def _time(path: Path, line: int, column: int, text: str) -> float:
    try:
        time = float(text)
    except ValueError:
        time = math.nan
    if not 0.0 <= time < math.inf:
        message = f"{text!r}, expected a time of 0 or more"
        raise TraceError(f"{path}: line {line}: column {column}: {message}")
    return time
