"""Which function is called when: counts per period, spread by a seeded generator."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from executor.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Counts:
    """Calls of each function in consecutive periods of ``period_s``; all rows are equally long."""

    period_s: float
    calls: Mapping[str, tuple[int, ...]]

    @property
    def total(self) -> int:
        """Number of calls in all."""
        return sum(sum(row) for row in self.calls.values())

    @property
    def duration_s(self) -> float:
        """Length of the workload before any time scale."""
        return self.period_s * len(next(iter(self.calls.values())))


@dataclass(frozen=True, slots=True, order=True)
class Arrival:
    """One call: when, counted from the start, and to which function."""

    at_s: float
    function: str


def spread(counts: Counts, time_scale: float, seed: int) -> tuple[Arrival, ...]:
    """Draw the times of the calls, uniform within each period, and divide them by the scale."""
    rng = np.random.default_rng(seed)
    arrivals = []
    for function, row in counts.calls.items():
        for period, count in enumerate(row):
            for offset in np.sort(rng.uniform(0, 1, count)):
                at_s = (period + float(offset)) * counts.period_s / time_scale
                arrivals.append(Arrival(at_s, function))
    return tuple(sorted(arrivals))


def read_scenario(file: Path) -> Counts:
    """Read counts from our own scenario file.

    Raises
    ------
    ConfigError
        Naming the key that is missing or wrong.
    """
    data = yaml.safe_load(file.read_text())
    if not isinstance(data, dict):
        raise ConfigError(file, "file", data, "a mapping with period_s and calls")
    period_s, calls = data.get("period_s"), data.get("calls")
    if not isinstance(period_s, int | float) or period_s <= 0:
        raise ConfigError(file, "period_s", period_s, "a positive number of seconds")
    if not isinstance(calls, dict) or not calls:
        raise ConfigError(file, "calls", calls, "a mapping from function to counts")
    rows = {str(name): _counts(file, f"calls.{name}", row) for name, row in calls.items()}
    _equally_long(file, rows)
    return Counts(float(period_s), rows)


def read_trace(file: Path, functions: tuple[str, ...]) -> Counts:
    """Read counts a minute from a trace: columns named by whole numbers, one row a function.

    The rows are given to ``functions`` in order; a trace with fewer or more rows than functions
    uses as many as there are of both.

    Raises
    ------
    ConfigError
        Naming line and column of a cell that is not a count.
    """
    with file.open(newline="") as stream:
        reader = csv.DictReader(stream)
        minutes = [name for name in reader.fieldnames or () if name.isdecimal()]
        if not minutes:
            raise ConfigError(file, "header", reader.fieldnames, "columns named 1, 2, 3 ...")
        rows = {
            function: tuple(_cell(file, line, name, row[name]) for name in minutes)
            for line, (function, row) in enumerate(zip(functions, reader, strict=False), start=2)
        }
    if not rows:
        raise ConfigError(file, "rows", 0, "at least one function")
    return Counts(60.0, rows)


def _counts(file: Path, key: str, row: object) -> tuple[int, ...]:
    if not isinstance(row, list) or not row:
        raise ConfigError(file, key, row, "a list of counts")
    for count in row:
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise ConfigError(file, key, count, "whole numbers from 0")
    return tuple(row)


def _equally_long(file: Path, rows: Mapping[str, tuple[int, ...]]) -> None:
    first = len(next(iter(rows.values())))
    for name, row in rows.items():
        if len(row) != first:
            raise ConfigError(file, f"calls.{name}", list(row), f"{first} counts, as the first row")


def _cell(file: Path, line: int, column: str, text: str | None) -> int:
    if text is None or not text.isdecimal():
        raise ConfigError(file, f"line {line}, column {column}", text, "a whole number from 0")
    return int(text)
