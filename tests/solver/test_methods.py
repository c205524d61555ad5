"""What all methods promise, on small problems with every feature."""

import pytest
from hypothesis import given, settings

from solver import Plan, Problem, solve, verify
from tests.solver.brute_force import optimum
from tests.solver.problems import problems

EXACT = ("highs", "cpsat", "cbc")
HEURISTIC = ("priority", "density", "price")
CLOSE = 2e-6

few = settings(max_examples=25, deadline=None)


def answer(problem: Problem, method: str, seed: int = 0) -> Plan:
    return solve(problem, method, deadline_s=20.0, seed=seed)


@pytest.mark.parametrize("method", EXACT)
@few
@given(problem=problems())
def test_exact_methods_agree_with_brute_force(method: str, problem: Problem) -> None:
    best = optimum(problem)
    plan = answer(problem, method)
    assert verify(problem, plan) == pytest.approx(best, rel=CLOSE, abs=CLOSE)
    assert plan.bound >= best - CLOSE
    assert plan.bound == pytest.approx(best, rel=CLOSE, abs=CLOSE)


@pytest.mark.parametrize("method", HEURISTIC)
@few
@given(problem=problems())
def test_heuristics_stay_between_nothing_and_the_optimum(method: str, problem: Problem) -> None:
    plan = answer(problem, method)
    best = optimum(problem)
    assert verify(problem, plan) <= best + CLOSE
    assert plan.bound >= best - CLOSE
