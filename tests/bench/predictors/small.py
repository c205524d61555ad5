"""Small traces for the tests of the predictor benchmark."""

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.predictors.data import NAMES
from bench.traces.minutes import MinuteTrace


def trace_of(counts: NDArray[np.int32], first_minute: int = 0) -> MinuteTrace:
    names = tuple(f"f{row}" for row in range(len(counts)))
    return MinuteTrace(names, first_minute, counts)


def some_counts(functions: int, minutes: int, seed: int) -> NDArray[np.int32]:
    """Timers and others, in turn."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rng.uniform(0.02, 0.5, functions)[:, None], (functions, minutes))
    for row in range(0, functions, 2):
        counts[row] = np.arange(minutes) % (5 + row) == row % 5
    return counts.astype(np.int32)


def write_traces(folder: Path, functions: int) -> None:
    """Write the three tables under their names."""
    folder.mkdir()
    for number, name in enumerate(NAMES):
        first, minutes = (480, 480) if "8h" in name else (1, 600)
        lines = [",".join(["id", *(str(first + minute) for minute in range(minutes))])]
        for row, counts in enumerate(some_counts(functions, minutes, number)):
            lines.append(",".join([f"f{row}", *map(str, counts)]))
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
