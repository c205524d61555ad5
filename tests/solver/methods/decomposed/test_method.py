import pytest

from solver import verify
from solver.methods.decomposed import Decomposed
from solver.methods.price import Price
from solver.plan import Plan
from solver.problem import Problem
from tests.solver.brute_force import optimum
from tests.solver.methods.price.problems import random_problem, small_problem

GPU_BYTES_BELOW_THEIR_PRICE = (57, 223, 786)
"""Seeds whose best plan holds a pair that is worth less than its priced GPU bytes."""


def solve(problem: Problem, seed: int = 0) -> Plan:
    return Decomposed().solve(problem, deadline_s=2.0, seed=seed, incumbent=None)


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    solve(random_problem(0))


@pytest.mark.parametrize("seed", range(30))
def test_bound_and_plan_enclose_the_optimum(seed: int) -> None:
    problem = small_problem(seed)
    plan = solve(problem)
    best = optimum(problem)
    assert verify(problem, plan) <= best + 1e-9
    assert plan.objective >= best - 0.05 * abs(best) - 1e-9
    assert plan.bound >= best - 1e-9


@pytest.mark.parametrize("seed", GPU_BYTES_BELOW_THEIR_PRICE)
def test_bound_covers_plans_of_another_method(seed: int) -> None:
    problem = random_problem(seed)
    found = Price().solve(problem, deadline_s=60.0, seed=0, incumbent=None)
    assert solve(problem).bound >= verify(problem, found) - 1e-9
