"""An earlier plan as the start of the next solve, matched by name."""

from dataclasses import fields, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from solver.pairs import Rows, fits_alone, pair_key
from solver.plan import Plan
from solver.problem import Problem
from solver.verify import recompute_objective


def carried_over(problem: Problem, plan: Plan) -> Plan:
    """Return a plan's residencies that a problem still allows, as a start for its solution.

    Functions and instances are matched by name, modes by tier and place among the function's
    modes. Each pair is allowed by itself; whether all still fit together is for methods to see.
    """
    rows = plan.pairs
    if plan.problem is not problem:
        rows = _renumbered(problem, plan)
    mode, instance = rows[:, 0], rows[:, 1]
    owner = problem.function_owner[problem.mode_function[mode]]
    allowed = (owner == problem.instance_owner[instance]) & fits_alone(problem, mode, instance)
    allowed &= ~np.isin(pair_key(problem, mode, instance), _keys(problem, problem.forbidden))
    rows = rows[allowed]
    worth = recompute_objective(problem, rows[:, 0].astype(np.int64), rows[:, 1].astype(np.int64))
    return replace(plan, problem=problem, pairs=rows, objective=worth, bound=inf, status="feasible")


def still_stands(problem: Problem, plan: Plan) -> bool:
    """Tell whether a plan is in place and nothing has changed since it was made."""
    before = plan.problem
    in_place = np.array_equal(np.sort(_keys(problem, problem.held)), _keys(before, plan.pairs))
    return in_place and all(
        _equal(getattr(before, field.name), getattr(problem, field.name))
        for field in fields(Problem)
        if field.name != "held"
    )


def stated_anew(problem: Problem, plan: Plan) -> Plan:
    """Return a plan that still stands for the problem in which it is in place.

    What it loaded costs nothing any more. No plan gains more by that than this one, so the bound
    rises by as much.
    """
    start = carried_over(problem, plan)
    gained = start.objective - plan.objective
    return replace(plan, problem=problem, objective=start.objective, bound=plan.bound + gained)


def _renumbered(problem: Problem, plan: Plan) -> Rows:
    before = plan.problem
    mode, instance = plan.pairs[:, 0], plan.pairs[:, 1]
    function = before.mode_function[mode]
    new_function = _positions(before.function_names, problem.function_names)[function]
    new_instance = _positions(before.instance_names, problem.instance_names)[instance]
    starts = np.append(problem.mode_start, problem.n_modes)
    new_mode = starts[new_function] + mode - before.mode_start[function]
    known = (new_function >= 0) & (new_instance >= 0) & (new_mode < starts[new_function + 1])
    rows: Rows = np.stack([new_mode[known], new_instance[known]], axis=1).astype(np.int32)
    same: NDArray[np.bool_] = problem.mode_tier[rows[:, 0]] == before.mode_tier[mode[known]]
    kept: Rows = rows[same]
    return kept


def _positions(before: tuple[str, ...], now: tuple[str, ...]) -> NDArray[np.int64]:
    """Return where each name is now, -1 where it is gone."""
    if before == now:
        return np.arange(len(now))
    where = {name: index for index, name in enumerate(now)}
    return np.array([where.get(name, -1) for name in before], dtype=np.int64)


def _keys(problem: Problem, rows: Rows) -> NDArray[np.int64]:
    return pair_key(problem, rows[:, 0], rows[:, 1])


def _equal(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return one == other
