from math import inf

import pytest

from bench.solver.instances import SIZES, make_instance
from solver import Plan, Problem
from solver.plan import Status, make_plan


@pytest.fixture
def problem() -> Problem:
    return make_instance(SIZES["S"], seed=1).problem


def held_plan(problem: Problem, bound: float) -> Plan:
    return make_plan(
        problem, problem.held, method="hand", status="feasible", solve_s=0.0, bound=bound
    )


@pytest.mark.parametrize(
    ("ratio", "status"), [(1.0, "optimal"), (1 + 1e-8, "optimal"), (1.01, "feasible")]
)
def test_status_follows_the_bound(problem: Problem, ratio: float, status: Status) -> None:
    worth = held_plan(problem, inf).objective
    plan = held_plan(problem, worth * ratio)
    assert plan.status == status
    assert plan.gap == pytest.approx(1 - 1 / ratio)


def test_no_bound_proves_nothing(problem: Problem) -> None:
    plan = held_plan(problem, inf)
    assert plan.status == "feasible"
    assert plan.gap == inf


def test_bound_rounded_below_the_objective_is_lifted(problem: Problem) -> None:
    worth = held_plan(problem, inf).objective
    assert held_plan(problem, worth * (1 - 1e-9)).bound == worth


def test_keeping_what_is_held_changes_nothing(problem: Problem) -> None:
    plan = held_plan(problem, inf)
    assert len(plan.loads) == len(plan.offloads) == 0


def test_giving_up_what_is_held(problem: Problem) -> None:
    plan = make_plan(problem, problem.held[1:], method="hand", status="feasible", solve_s=0.0)
    assert plan.offloads.tolist() == problem.held[:1].tolist()
    assert len(plan.loads) == 0
