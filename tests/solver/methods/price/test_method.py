from math import inf

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


@pytest.mark.parametrize("seed", range(150, 200))
def test_a_short_search_without_gpus_finds_as_much_and_proves_nothing(seed: int) -> None:
    problem = small_problem(seed, gpus=False)
    plan = solve(problem)
    best = optimum(problem)
    assert best + 1e-9 >= verify(problem, plan) >= best - 0.05 * abs(best) - 1e-9
    assert (plan.bound, plan.status) == (inf, "feasible")


@pytest.mark.parametrize("seed", range(150, 160))
def test_a_longer_search_without_gpus_is_bounded(seed: int) -> None:
    problem = small_problem(seed, gpus=False)
    method = Price(steps_per_instance=50)
    plan = method.solve(problem, deadline_s=60.0, seed=0, incumbent=None)
    assert optimum(problem) - 1e-9 <= plan.bound < inf


@pytest.mark.parametrize("seed", range(10))
def test_same_seed_gives_same_plan(seed: int) -> None:
    problem = random_problem(seed)
    np.testing.assert_array_equal(solve(problem).pairs, solve(problem).pairs)
