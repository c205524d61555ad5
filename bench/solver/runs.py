"""Solves of random problems, kept in a CSV file that a later call goes on with."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from bench.solver.instances import SIZES, make_instance
from solver import Method, Problem, verify

IMMEDIATE: Final = ("priority", "density")
"""Methods that look at no deadline; they run once a problem."""


@dataclass(frozen=True)
class Run:
    """One solve to make."""

    size: str
    seed: int
    method: str
    deadline_s: float


@dataclass(frozen=True)
class Row:
    """One solve made, verified; the bound is infinite where the method has none."""

    size: str
    seed: int
    method: str
    deadline_s: float
    objective: float
    bound: float
    status: str
    solve_s: float

    @property
    def run(self) -> Run:
        """What was asked for."""
        return Run(self.size, self.seed, self.method, self.deadline_s)


def all_runs(
    sizes: Iterable[str], seeds: Iterable[int], methods: Iterable[str], deadlines_s: Iterable[float]
) -> list[Run]:
    """List all combinations, by problem; methods without a deadline run under the first."""
    deadlines_s = sorted(deadlines_s)
    return [
        Run(size, seed, method, deadline_s)
        for size in sizes
        for seed in seeds
        for method in methods
        for deadline_s in (deadlines_s[:1] if method in IMMEDIATE else deadlines_s)
    ]


def read_rows(file: Path) -> list[Row]:
    """Read the rows of an earlier call; none when there is no such file."""
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return [
            Row(
                size=line["size"],
                seed=int(line["seed"]),
                method=line["method"],
                deadline_s=float(line["deadline_s"]),
                objective=float(line["objective"]),
                bound=float(line["bound"]),
                status=line["status"],
                solve_s=float(line["solve_s"]),
            )
            for line in csv.DictReader(lines)
        ]


def append_row(file: Path, row: Row) -> None:
    """Add a row, with a heading first in a new file."""
    is_new = not file.exists()
    with file.open("a", newline="") as out:
        writer = csv.DictWriter(out, [field.name for field in fields(Row)])
        if is_new:
            writer.writeheader()
        writer.writerow(asdict(row))


def measure(runs: Iterable[Run], methods: dict[str, Method]) -> Iterator[Row]:
    """Make runs in turn; what is derived from a problem is made before the clock starts."""
    problem, made = None, ("", -1)
    for run in runs:
        if problem is None or made != (run.size, run.seed):
            problem, made = make_instance(SIZES[run.size], run.seed).problem, (run.size, run.seed)
        yield _solve(run, problem, methods[run.method])


def _solve(run: Run, problem: Problem, method: Method) -> Row:
    plan = method.solve(problem, deadline_s=run.deadline_s, seed=run.seed, incumbent=None)
    verify(problem, plan)
    return Row(
        size=run.size,
        seed=run.seed,
        method=run.method,
        deadline_s=run.deadline_s,
        objective=plan.objective,
        bound=plan.bound,
        status=plan.status,
        solve_s=plan.solve_s,
    )
