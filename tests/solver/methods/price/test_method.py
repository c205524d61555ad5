import numpy as np
import pytest

from solver import verify
from solver.methods.price import Price
from solver.plan import Plan
from solver.problem import Problem
from tests.solver.brute_force import optimum
from tests.solver.methods.price.problems import random_problem, small_problem


def solve(problem: Problem, **options: object) -> Plan:
    settings = {"deadline_s": 60.0, "seed": 0, "incumbent": None} | options
    return Price(steps_per_instance=20).solve(problem, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(100))
def test_plan_is_feasible_and_bounded(seed: int) -> None:
    problem = random_problem(seed)
    plan = solve(problem)
    assert verify(problem, plan) <= plan.bound + 1e-9


@pytest.mark.parametrize("seed", range(100, 150))
def test_bound_and_plan_enclose_the_optimum(seed: int) -> None:
    problem = small_problem(seed)
    plan = solve(problem)
    best = optimum(problem)
    assert plan.objective <= best + 1e-9
    assert plan.objective >= best - 0.05 * abs(best) - 1e-9
    assert plan.bound >= best - 1e-9


@pytest.mark.parametrize("seed", range(10))
def test_same_seed_gives_same_plan(seed: int) -> None:
    problem = random_problem(seed)
    np.testing.assert_array_equal(solve(problem).pairs, solve(problem).pairs)
