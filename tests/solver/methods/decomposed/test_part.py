import numpy as np
import pytest

from solver import verify
from solver.methods.decomposed.part import cut_part
from solver.methods.price import Price
from solver.objective import objective
from solver.plan import make_plan
from tests.solver.methods.price.problems import random_problem


@pytest.mark.parametrize("seed", range(40))
def test_parts_of_all_owners_are_worth_the_whole(seed: int) -> None:
    problem = random_problem(seed)
    plan = Price(steps_per_instance=20).solve(problem, deadline_s=60.0, seed=0, incumbent=None)
    worth = 0.0
    for owner in range(problem.n_owners):
        part = cut_part(problem, np.array([owner]))
        rows = part.inside(plan.pairs)
        np.testing.assert_array_equal(
            part.outside(rows),
            plan.pairs[problem.instance_owner[plan.pairs[:, 1]] == owner],
        )
        inner = make_plan(part.problem, rows, method="", status="feasible", solve_s=0.0)
        worth += verify(part.problem, inner)
    assert worth == pytest.approx(objective(problem, plan.pairs), abs=1e-9)


def test_fixed_rows_are_pinned_and_costs_can_be_given() -> None:
    problem = random_problem(1)
    pair = int(np.flatnonzero(problem.pairs.held)[0])
    row = problem.pairs.rows(np.array([pair]))
    owner = problem.instance_owner[row[0, 1]]
    costs = np.arange(len(problem.pairs), dtype=np.float64)
    part = cut_part(problem, np.array([owner]), cost_s=costs, fixed=row)
    inner = part.problem.pairs
    assert row[0].tolist() in part.outside(part.problem.pinned).tolist()
    assert inner.cost_s[inner.find(part.inside(row))] == pair
