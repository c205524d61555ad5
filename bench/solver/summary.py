"""Runs brought together: gaps to the best proven bound, over seeds."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from bench.solver.runs import Row


@dataclass(frozen=True)
class Point:
    """A method under one deadline on one size, over seeds.

    Attributes
    ----------
    gaps, proven_gaps : tuple of float
        Distance of each plan from the best bound that any run proved for its problem, and from
        the bound that the run itself proved, where it did; parts of the bound.
    gains : tuple of float
        By how much each plan exceeds that of ``priority``, where that was run.
    solve_s : tuple of float
        Wall times.
    optimal : int
        Number of runs that proved optimality.
    """

    size: str
    method: str
    deadline_s: float
    gaps: tuple[float, ...]
    proven_gaps: tuple[float, ...]
    gains: tuple[float, ...]
    solve_s: tuple[float, ...]
    optimal: int


def summarise(rows: Sequence[Row]) -> list[Point]:
    """Return a point for each size, method and deadline, in the order met."""
    bounds: dict[tuple[str, int], float] = {}
    baseline: dict[tuple[str, int], float] = {}
    groups: dict[tuple[str, str, float], list[Row]] = defaultdict(list)
    for row in rows:
        problem = (row.size, row.seed)
        bounds[problem] = min(bounds.get(problem, np.inf), row.bound)
        groups[row.size, row.method, row.deadline_s].append(row)
        if row.method == "priority":
            baseline[problem] = row.objective
    return [
        Point(
            *key,
            gaps=tuple(1 - row.objective / bounds[row.size, row.seed] for row in group),
            proven_gaps=tuple(
                1 - row.objective / row.bound for row in group if isfinite(row.bound)
            ),
            gains=tuple(
                row.objective / baseline[row.size, row.seed] - 1
                for row in group
                if (row.size, row.seed) in baseline
            ),
            solve_s=tuple(row.solve_s for row in group),
            optimal=sum(row.status == "optimal" for row in group),
        )
        for key, group in groups.items()
    ]


def markdown(points: Iterable[Point]) -> str:
    """Return the points as a table."""
    lines = [
        "| size | method | deadline | problems | gap to best bound, mean (min-max) "
        "| own proven gap, mean | over `priority`, mean | time, median (max) | proven optimal |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_line(point) for point in points]
    return "\n".join(lines) + "\n"


def _line(point: Point) -> str:
    gaps = np.array(point.gaps)
    times_ms = 1000 * np.array(point.solve_s)
    proven = f"{np.mean(point.proven_gaps):.2%}" if point.proven_gaps else "none"
    if 0 < len(point.proven_gaps) < len(gaps):
        proven += f" (of {len(point.proven_gaps)})"
    gain = f"{np.mean(point.gains):+.2%}" if point.gains else "none"
    return (
        f"| {point.size} | {point.method} | {1000 * point.deadline_s:g} ms | {len(gaps)} "
        f"| {_percent(gaps.mean())} ({_percent(gaps.min())}-{_percent(gaps.max())}) "
        f"| {proven} "
        f"| {gain} "
        f"| {np.median(times_ms):.1f} ms ({times_ms.max():.1f}) "
        f"| {point.optimal}/{len(gaps)} |"
    )


def _percent(ratio: float) -> str:
    """Return a ratio in per cent, without the sign of a zero."""
    return f"{round(ratio, 6) + 0.0:.2%}"
