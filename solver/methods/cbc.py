"""CBC as PuLP bundles it: a third opinion from a program of its own."""

import re
from dataclasses import dataclass
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final

import numpy as np

from solver.deadline import Clock
from solver.methods.exact import Answer, Task, missing, solve_exactly
from solver.methods.linear import BYTES, LinearProgram
from solver.plan import Plan
from solver.problem import Problem

try:
    import pulp
except ImportError as error:
    raise missing("pulp") from error

_WORTH: Final = 1000.0
"""What the starting plan is worth in the units that CBC sees."""
_INCREMENT: Final = 1e-5
"""CBC looks for no solution that is better by less; its default, in the units that it sees."""
_DIGITS: Final = 1e-7
"""Relative error of the bound in CBC's log, which shows eight digits."""
_BEST_POSSIBLE: Final = re.compile(r"best possible (-?[\d.]+(?:e[+-]?\d+)?)")
_OPTIMAL: Final = pulp.LpSolutionOptimal
_SOLVED: Final = (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible)


@dataclass(frozen=True)
class Cbc:
    """Branch and cut by CBC on one thread, in a process of its own."""

    clock: Clock = perf_counter
    name: str = "cbc"

    def solve(
        self, problem: Problem, *, deadline_s: float, seed: int, incumbent: Plan | None
    ) -> Plan:
        """Return the best plan found, with CBC's bound."""
        return solve_exactly(
            self.name,
            optimise,
            problem,
            deadline_s=deadline_s,
            seed=seed,
            incumbent=incumbent,
            clock=self.clock,
        )


def optimise(task: Task) -> Answer:
    """Let CBC maximise the programme of a task.

    PuLP's ``status`` says optimal whenever CBC has any solution at its time limit; only
    ``sol_status`` tells the two apart.
    """
    scale = _WORTH / (task.worth_s or 1.0)
    model, columns = _model(task.program, scale)
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        solver = pulp.PULP_CBC_CMD(
            msg=False,
            timeLimit=task.deadline.left_s,
            logPath=str(log),
            options=[f"randomCbcSeed {task.seed % 2**31}"],
        )
        solver.tmpDir = folder
        model.solve(solver)
        bound = _bound(model, log.read_text()) / scale
    chosen = None
    if model.sol_status in _SOLVED:
        chosen = np.array([column.value() for column in columns[: task.program.n_pairs]]) > 0.5
    return Answer(chosen, bound, model.sol_status == _OPTIMAL)


def _model(program: LinearProgram, scale: float) -> tuple[Any, list[Any]]:
    """Return the programme with its rows of bytes scaled to capacity 1."""
    model = pulp.LpProblem("placement", pulp.LpMaximize)
    kinds = np.arange(program.n_columns) < program.n_pairs
    columns = [
        model.add_variable(f"x{n}", lower, 1, pulp.LpInteger if whole else pulp.LpContinuous)
        for n, (lower, whole) in enumerate(zip(program.column_lower, kinds, strict=True))
    ]
    model += _sum(columns, scale * program.objective)
    for row in range(program.n_rows):
        part = slice(program.row_start[row], program.row_start[row + 1])
        upper = program.row_upper[row]
        unit = upper if program.row_kind[row] == BYTES else 1.0
        members = [columns[n] for n in program.column[part]]
        model += _sum(members, program.coefficient[part] / unit) <= upper / unit
    return model, columns


def _sum(columns: list[Any], coefficients: np.ndarray[Any, Any]) -> Any:
    return pulp.LpAffineExpression(zip(columns, coefficients.tolist(), strict=True))


def _bound(model: Any, log: str) -> float:
    """Return CBC's bound, in the units that it sees; it minimises the negative."""
    if model.sol_status == _OPTIMAL:
        return float(pulp.value(model.objective)) + _INCREMENT
    found = _BEST_POSSIBLE.findall(log)
    if not found:
        return inf
    bound = -float(found[-1])
    return bound + _DIGITS * abs(bound) + _INCREMENT
