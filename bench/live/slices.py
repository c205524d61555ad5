"""A slice of a trace, given to functions and played at speed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.demo.workload import Arrival, read_scenario
from bench.traces.minutes import MinuteTrace, read_minutes
from bench.traces.spread import MINUTE_S, spread
from executor.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Slice:
    """Which part of a trace is played, and how fast.

    Parameters
    ----------
    minutes
        Of the trace, from its beginning.
    least, most
        Rows with so many calls in these minutes are drawn from.
    time_scale
        So many times faster.
    """

    minutes: int
    least: int
    most: int
    time_scale: float

    @property
    def length_s(self) -> float:
        """How long it plays."""
        return self.minutes * MINUTE_S / self.time_scale


def read_counts(file: Path) -> MinuteTrace:
    """Read a table of counts a minute, or a scenario (``.yaml``) whose periods are minutes.

    Raises
    ------
    ConfigError, TraceError
        If it is neither.
    """
    if file.suffix != ".yaml":
        return read_minutes(file)
    counts = read_scenario(file)
    if counts.period_s != MINUTE_S:
        raise ConfigError(file, "period_s", counts.period_s, "60, as in a trace")
    table = np.array(list(counts.calls.values()), np.int32)
    return MinuteTrace(tuple(counts.calls), 0, table)


def draw(
    trace: MinuteTrace, functions: Sequence[str], part: Slice, seed: int
) -> tuple[Arrival, ...]:
    """Give each function a row of the trace, and each call a time counted from the start.

    Each row is turned by a random number of minutes: the trace's timers fire in the same minutes,
    more than two cores could serve at this speed. Where there are fewer rows than functions, rows
    come again.

    Raises
    ------
    ConfigError
        If no row has the right number of calls.
    """
    rng = np.random.default_rng(seed)
    counts = trace.counts[:, : part.minutes]
    calls = counts.sum(axis=1)
    eligible = np.flatnonzero((calls >= part.least) & (calls <= part.most))
    if not len(eligible):
        expected = f"rows with {part.least} to {part.most} calls in {part.minutes} minutes"
        raise ConfigError(Path("trace"), "rows", 0, expected)
    order = rng.permutation(eligible)
    chosen = [counts[order[place % len(order)]] for place in range(len(functions))]
    rows = [np.roll(row, int(rng.integers(part.minutes))) for row in chosen]
    arrivals = spread(MinuteTrace(tuple(functions), 0, np.array(rows, np.int32)), rng)
    at_s = (arrivals.at_s / part.time_scale).tolist()
    return tuple(
        Arrival(when_s, functions[index])
        for when_s, index in zip(at_s, arrivals.functions.tolist(), strict=True)
    )
