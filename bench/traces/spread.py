"""Placing the calls of a minute within it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.traces.minutes import MIN_ACTIVE_MINUTES, MinuteTrace

MINUTE_S = 60.0
PUNCTUAL_SHARE = 0.8
LATENESS_S = 0.2
LAST_S = 59.999


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Calls in order of time.

    Attributes
    ----------
    functions
        int64[n_calls], index of the function.
    at_s
        float64[n_calls], seconds since midnight.
    """

    functions: NDArray[np.int64]
    at_s: NDArray[np.float64]

    def between(self, start_s: float, end_s: float) -> "Arrivals":
        """Return the calls in (start, end]."""
        first, last = np.searchsorted(self.at_s, [start_s, end_s], side="right")
        return Arrivals(self.functions[first:last], self.at_s[first:last])


def spread(
    trace: MinuteTrace, rng: np.random.Generator, max_per_minute: int | None = None
) -> Arrivals:
    """Turn counts into times, since a minute's count does not say when within it.

    Punctual functions (four fifths of the gaps between their active minutes are the same, and so
    are four fifths of their active minutes' counts) call at a phase of their own, some 0.2 s late;
    several calls of a minute come at once or evenly spaced, as a coin says for each function. All
    others call at times uniform in the minute, which is the choice that assumes least.

    Parameters
    ----------
    trace
        The counts.
    rng
        Draws phases and times.
    max_per_minute
        Drop what exceeds this many calls of one function in one minute.
    """
    counts = trace.counts if max_per_minute is None else np.minimum(trace.counts, max_per_minute)
    functions, minutes = np.nonzero(counts)
    repeats = counts[functions, minutes]
    first = np.repeat(np.cumsum(repeats) - repeats, repeats)
    nth = np.arange(repeats.sum()) - first
    each, of = np.repeat(functions, repeats), np.repeat(repeats, repeats)
    phase_s = rng.uniform(0.0, MINUTE_S, len(counts))
    at_once = rng.random(len(counts)) < 0.5
    late_s = np.abs(rng.normal(0.0, LATENESS_S, len(each)))
    step_s = np.where(at_once[each], 0.0, MINUTE_S / of)
    even_s = np.minimum((phase_s[each] + nth * step_s) % MINUTE_S + late_s, LAST_S)
    random_s = rng.uniform(0.0, MINUTE_S, len(each))
    within_s = np.where(_is_punctual(trace.counts)[each], even_s, random_s)
    at_s = np.asarray(trace.start_s + np.repeat(minutes, repeats) * MINUTE_S + within_s)
    order = np.argsort(at_s, kind="stable")
    return Arrivals(each[order].astype(np.int64), at_s[order])


def _is_punctual(counts: NDArray[np.int32]) -> NDArray[np.bool_]:
    return np.array([_same(np.diff(np.flatnonzero(row))) and _same(row[row > 0]) for row in counts])


def _same(values: NDArray[np.int64] | NDArray[np.int32]) -> bool:
    if len(values) < MIN_ACTIVE_MINUTES - 1:
        return False
    most = np.unique(values, return_counts=True)[1].max()
    return bool(most >= PUNCTUAL_SHARE * len(values))
