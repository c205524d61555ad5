"""Ticks: a plan that is in place should change only for good reason."""

from typing import Final

import numpy as np

from solver.methods.price.blocks import Blocks, Numbering
from solver.pairs import pair_key
from solver.plan import Plan
from solver.problem import Problem

_IN_PLACE: Final = 0.9
"""Part of an incumbent that is held, from which on it counts as in place."""


def is_in_place(problem: Problem, plan: Plan) -> bool:
    """Tell whether (nearly) all of a plan is held already."""
    placed = pair_key(problem, plan.pairs[:, 0], plan.pairs[:, 1])
    held = pair_key(problem, problem.held[:, 0], problem.held[:, 1])
    return bool(np.isin(placed, held).sum() >= _IN_PLACE * max(1, len(placed)))


def with_churn_cost(
    problem: Problem, blocks: Blocks, numbering: Numbering, plan: Plan, ratio: float
) -> Blocks:
    """Add a part of the seconds saved to the cost of what is neither held nor in the plan.

    The plan, whose pairs are special in ``blocks``, costs what it did; so what is better at these
    costs is better at the true ones.
    """
    special = pair_key(
        problem,
        numbering.old_mode[blocks.special_mode],
        numbering.old_instance[blocks.special_instance],
    )
    rows = np.concatenate([plan.pairs, problem.held])
    is_new = ~np.isin(special, pair_key(problem, rows[:, 0], rows[:, 1]))
    surcharge = ratio * blocks.mode_saving
    return blocks._replace(
        mode_cost=blocks.mode_cost + surcharge,
        special_cost=blocks.special_cost + is_new * surcharge[blocks.special_mode],
    )
