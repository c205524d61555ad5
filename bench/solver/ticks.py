"""A plan kept up to date from tick to tick: time, quality and churn."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.solver.instances import SIZES, make_instance, next_tick
from solver import Method, verify


@dataclass(frozen=True)
class TickRow:
    """One tick: a fifth of the rates changed, solved from the last plan.

    Attributes
    ----------
    gap : float
        Distance from the plan's own bound.
    new_ratio, gone_ratio : float
        Loads and offloads as parts of all residencies.
    """

    size: str
    seed: int
    tick: int
    gap: float
    solve_s: float
    new_ratio: float
    gone_ratio: float


def walk(
    size: str, seed: int, method: Method, *, ticks: int, first_s: float, deadline_s: float
) -> Iterator[TickRow]:
    """Solve a problem in ``first_s``, then tick after tick from the plan before."""
    rng = np.random.default_rng(seed)
    instance = make_instance(SIZES[size], seed)
    plan = method.solve(instance.problem, deadline_s=first_s, seed=seed, incumbent=None)
    for tick in range(ticks):
        instance = next_tick(instance, plan, rng)
        plan = method.solve(instance.problem, deadline_s=deadline_s, seed=seed, incumbent=plan)
        verify(instance.problem, plan)
        placed = max(1, len(plan.pairs))
        yield TickRow(
            size=size,
            seed=seed,
            tick=tick,
            gap=plan.gap,
            solve_s=plan.solve_s,
            new_ratio=len(plan.loads) / placed,
            gone_ratio=len(plan.offloads) / placed,
        )


def markdown(rows: list[TickRow], deadline_s: float) -> str:
    """Return the ticks of each size as a line of a table."""
    lines = [
        f"| size | ticks | deadline {1000 * deadline_s:g} ms: time, median (max) "
        "| gap to own bound, mean | loads, mean (max) | offloads, mean |",
        "|---|---|---|---|---|---|",
    ]
    for size in dict.fromkeys(row.size for row in rows):
        mine = [row for row in rows if row.size == size]
        times_ms = 1000 * np.array([row.solve_s for row in mine])
        new = np.array([row.new_ratio for row in mine])
        lines.append(
            f"| {size} | {len(mine)} | {np.median(times_ms):.2f} ms ({times_ms.max():.2f}) "
            f"| {np.mean([row.gap for row in mine]):.2%} | {new.mean():.2%} ({new.max():.2%}) "
            f"| {np.mean([row.gone_ratio for row in mine]):.2%} |"
        )
    return "\n".join(lines) + "\n"
