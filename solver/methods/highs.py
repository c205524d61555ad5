"""HiGHS, an open mixed-integer solver, given the whole programme as arrays in one call."""

from dataclasses import dataclass
from functools import partial
from math import inf
from time import perf_counter
from typing import Any, Final

import numpy as np

from solver.deadline import Clock
from solver.errors import SolverError
from solver.methods.exact import Answer, Task, missing, solve_exactly
from solver.methods.linear import BYTES, LinearProgram
from solver.plan import OPTIMAL_GAP, Plan
from solver.problem import Problem

try:
    import highspy
except ImportError as error:
    raise missing("highspy") from error

__all__ = ["Highs", "SilentHighs", "highspy"]

_OPTIONS: Final[dict[str, Any]] = {
    "parallel": "off",
    "mip_rel_gap": OPTIMAL_GAP / 2,
}
"""One thread by "parallel": "threads" fails once another use in the process has set another."""


class SilentHighs(highspy.Highs):  # type: ignore[misc]
    """HiGHS without its banner, which highspy's own constructor prints by setting up callbacks."""

    def __init__(self) -> None:
        super(highspy.Highs, self).__init__()
        self.setOptionValue("output_flag", False)


@dataclass(frozen=True)
class Highs:
    """Branch and cut by HiGHS on one thread, started from the incumbent.

    Parameters
    ----------
    enough_s
        Stop once the plan is within so many seconds saved of the bound.
    clock
        Returns seconds, never falling.
    """

    enough_s: float = 0.0
    clock: Clock = perf_counter
    name: str = "highs"

    def solve(
        self, problem: Problem, *, deadline_s: float, seed: int, incumbent: Plan | None
    ) -> Plan:
        """Return the best plan found, with HiGHS's bound."""
        return solve_exactly(
            self.name,
            partial(optimise, enough_s=self.enough_s),
            problem,
            deadline_s=deadline_s,
            seed=seed,
            incumbent=incumbent,
            clock=self.clock,
        )


def optimise(task: Task, enough_s: float = 0.0) -> Answer:
    """Let HiGHS maximise the programme of a task, to an absolute gap if one is given."""
    highs = SilentHighs()
    for name, value in _OPTIONS.items():
        highs.setOptionValue(name, value)
    highs.setOptionValue("mip_abs_gap", enough_s)
    highs.setOptionValue("random_seed", task.seed % 2**31)
    highs.passModel(_model(task.program))
    pairs = np.arange(len(task.start), dtype=np.int32)
    highs.setSolution(len(pairs), pairs, task.start.astype(np.float64))
    highs.setOptionValue("time_limit", task.deadline.left_s)
    _run(highs)
    if _solution_is_lost(highs, task.program) and not task.deadline.passed:
        highs.clearSolver()
        highs.setOptionValue("time_limit", task.deadline.left_s)
        _run(highs)
    info = highs.getInfo()
    solution = highs.getSolution()
    chosen = None
    if solution.value_valid:
        chosen = np.array(solution.col_value[: task.program.n_pairs]) > 0.5
    status = highs.getModelStatus()
    finished = status == highspy.HighsModelStatus.kOptimal
    stopped = status == highspy.HighsModelStatus.kTimeLimit
    return Answer(chosen, info.mip_dual_bound if finished or stopped else inf, finished)


def _run(highs: SilentHighs) -> None:
    if highs.run() == highspy.HighsStatus.kError:
        raise SolverError(f"HiGHS failed with model status {highs.getModelStatus()}")


def _solution_is_lost(highs: SilentHighs, program: LinearProgram) -> bool:
    """Tell whether the columns are worth less than stated.

    HiGHS 1.16 hands back the start in place of a better solution when presolve alone finds it.
    """
    stated = highs.getInfo().objective_function_value
    columns = np.array(highs.getSolution().col_value)
    return len(columns) > 0 and program.objective @ columns < stated - OPTIMAL_GAP * abs(stated)


def _model(program: LinearProgram) -> Any:
    """Return the programme with its rows of bytes scaled to capacity 1."""
    scale = np.where(program.row_kind == BYTES, 1 / np.maximum(program.row_upper, 1), 1.0)
    model = highspy.HighsLp()
    model.sense_ = highspy.ObjSense.kMaximize
    model.num_col_ = program.n_columns
    model.num_row_ = program.n_rows
    model.col_cost_ = program.objective
    model.col_lower_ = program.column_lower
    model.col_upper_ = np.ones(program.n_columns)
    model.row_lower_ = np.full(program.n_rows, -highspy.kHighsInf)
    model.row_upper_ = program.row_upper * scale
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = program.row_start
    model.a_matrix_.index_ = program.column
    model.a_matrix_.value_ = program.coefficient * np.repeat(scale, np.diff(program.row_start))
    kinds = [highspy.HighsVarType.kInteger] * program.n_pairs
    kinds += [highspy.HighsVarType.kContinuous] * (program.n_columns - program.n_pairs)
    model.integrality_ = kinds
    return model
