"""The rows as CSV files, and what they come to as a table."""

import csv
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np

from bench.density.measures import Row

Key = tuple[str, str, str, str]

RATIOS = (("load", "private", "shared"),)
"""Measures whose medians are divided, the slower way by the faster."""

DIFFERENCES = (("call", "runtime", "direct"),)
"""Measures whose medians are subtracted."""


def write_rows(file: Path, rows: Iterable[Row]) -> None:
    """Write rows, a line each."""
    with file.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow([field.name for field in fields(Row)])
        writer.writerows(astuple(row) for row in rows)


def read_rows(folder: Path) -> list[Row]:
    """Read all rows of a folder."""
    rows = []
    for file in sorted(folder.glob("*.csv")):
        with file.open(newline="") as opened:
            rows += [_row(line) for line in csv.DictReader(opened)]
    return rows


def _row(line: dict[str, str]) -> Row:
    texts = (line["measure"], line["subject"], line["way"])
    return Row(*texts, float(line["value"]), line["unit"])


def table(folder: Path) -> str:
    """Write a table of medians with their spread, and how the ways compare."""
    groups: dict[Key, list[float]] = {}
    for row in read_rows(folder):
        if row.measure != "held":
            groups.setdefault((row.measure, row.subject, row.way, row.unit), []).append(row.value)
    lines = [
        "| measure | of | way | median | 5 % | 95 % | n | |",
        "|---|---|---|---|---|---|---|---|",
        *(_line(key, values) for key, values in groups.items()),
        "",
        *_comparisons(groups),
    ]
    return "\n".join(lines) + "\n"


def _line(key: Key, values: list[float]) -> str:
    measure, subject, way, unit = key
    low, middle, high = np.percentile(values, [5, 50, 95])
    spread = f"{middle:.4g} | {low:.4g} | {high:.4g} | {len(values)}"
    return f"| {measure} | {subject} | {way} | {spread} | {unit} |"


def _comparisons(groups: dict[Key, list[float]]) -> Iterable[str]:
    medians = {key: float(np.median(values)) for key, values in groups.items()}
    for (measure, subject, way, unit), value in medians.items():
        for name, slow, fast in RATIOS:
            other = medians.get((measure, subject, fast, unit))
            if (measure, way) == (name, slow) and other:
                yield f"- {measure} of {subject}: {slow} takes {value / other:.1f} times {fast}"
        for name, slow, fast in DIFFERENCES:
            other = medians.get((measure, subject, fast, unit))
            if (measure, way) == (name, slow) and other is not None:
                yield f"- {measure} with {subject}: {slow} takes {value - other:.3f} {unit} more"
    fits = [value for key, value in medians.items() if key[0] == "residents"]
    if len(fits) > 1 and min(fits) > 0:
        yield f"- residents: {max(fits) / min(fits):.1f} times as many"
