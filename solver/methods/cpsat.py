"""OR-Tools CP-SAT, a clause-learning solver over whole numbers."""

from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Any, Final

import numpy as np

from solver.deadline import Clock
from solver.methods.exact import Answer, Task, missing, solve_exactly
from solver.methods.linear import BYTES, LinearProgram
from solver.plan import OPTIMAL_GAP, Plan
from solver.problem import Float64, Int64, Problem

try:
    from ortools.sat.python import cp_model
except ImportError as error:
    raise missing("ortools") from error

_TOLERANCE: Final = OPTIMAL_GAP / 10
"""How far rounding may move the optimum, as a part of the starting plan's worth."""
_SOLVED: Final = (cp_model.OPTIMAL, cp_model.FEASIBLE)
_MOST_TOTAL: Final = 2**60
"""Sums of coefficients in CP-SAT must stay within 64 bits."""


@dataclass(frozen=True)
class CpSat:
    """Search by CP-SAT on one thread with its strongest linear relaxation, hinted the incumbent.

    CP-SAT takes whole numbers, so the programme is rounded; both roundings keep its bound valid.

    Worths: with ``scaled = rint(scale * worth)`` every choice of the n columns, each 0 or 1, has
    ``|scaled / scale - worth| <= n / (2 scale)``, hence so does the best choice. The scale is
    chosen such that this is the tolerance, and the tolerance is added to the bound.

    Bytes: a row and its capacity are divided by the greatest common divisor of the row, and both
    rounded down: ``sum floor(b / u) <= floor(sum b / u) <= floor(capacity / u)``, so that no plan
    is lost. Only rows of more than 2^60 bytes are divided by more, and gain plans, which the
    check of the answer thins out again.
    """

    clock: Clock = perf_counter
    name: str = "cpsat"

    def solve(
        self, problem: Problem, *, deadline_s: float, seed: int, incumbent: Plan | None
    ) -> Plan:
        """Return the best plan found, with CP-SAT's bound."""
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
    """Let CP-SAT maximise the programme of a task."""
    program = task.program
    tolerance_s = _TOLERANCE * task.worth_s
    worth, scale = whole_worths(program.objective, tolerance_s)
    model, columns = _model(program, worth)
    for pair, placed in enumerate(task.start.tolist()):
        model.add_hint(columns[pair], placed)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.subsolvers.append("max_lp")
    solver.parameters.symmetry_level = 0
    solver.parameters.cp_model_probing_level = 0
    solver.parameters.relative_gap_limit = OPTIMAL_GAP / 2
    solver.parameters.random_seed = task.seed % 2**31
    solver.parameters.max_time_in_seconds = task.deadline.left_s
    status = solver.solve(model)
    chosen = None
    if status in _SOLVED:
        values = np.fromiter(solver.response_proto.solution, np.int64)
        chosen = values[: program.n_pairs] == 1
    bound = solver.best_objective_bound / scale + tolerance_s
    if chosen is None and solver.best_objective_bound == 0:
        bound = inf
    return Answer(chosen, bound, status == cp_model.OPTIMAL)


def whole_worths(worth: Float64, tolerance_s: float) -> tuple[Int64, float]:
    """Return worths as whole numbers, and the scale that keeps every sum to the tolerance."""
    if tolerance_s <= 0:
        return np.zeros(len(worth), dtype=np.int64), 1.0
    scale = len(worth) / (2 * tolerance_s)
    return np.rint(scale * worth).astype(np.int64), scale


def whole_bytes(coefficient: Float64, upper: float) -> tuple[Int64, int]:
    """Return a row of bytes and its capacity in the largest unit that loses no plan."""
    whole = coefficient.astype(np.int64)
    least = -(-sum(whole.tolist()) // _MOST_TOTAL)
    unit = max(int(np.gcd.reduce(whole)), least)
    return whole // unit, int(upper) // unit


def _model(program: LinearProgram, worth: Int64) -> tuple[Any, list[Any]]:
    model = cp_model.CpModel()
    columns = [
        model.new_int_var(int(lower), 1, "") for lower in program.column_lower.astype(np.int64)
    ]
    for row in range(program.n_rows):
        part = slice(program.row_start[row], program.row_start[row + 1])
        coefficient, upper = program.coefficient[part], program.row_upper[row]
        whole, most = coefficient.astype(np.int64), int(upper)
        if program.row_kind[row] == BYTES:
            whole, most = whole_bytes(coefficient, upper)
        members = [columns[n] for n in program.column[part]]
        model.add(cp_model.LinearExpr.weighted_sum(members, whole) <= most)
    model.maximize(cp_model.LinearExpr.weighted_sum(columns, worth))
    return model, columns
