from dataclasses import replace

import numpy as np
import pytest

from bench.solver.instances import SIZES, make_instance
from solver import Plan, Problem, verify
from solver.builder import Mode, ProblemBuilder
from solver.incumbent import carried_over, stated_anew, still_stands
from solver.plan import make_plan
from solver.replanner import Replanner

GPU = Mode("gpu", memory_bytes=1, saving_s=3.0, load_cost_s=0.5, gpu_memory_bytes=1)
HOST = Mode("host", memory_bytes=1, saving_s=2.0, load_cost_s=0.5)


def named(functions: str, instances: str, gpu: str | None = "k", owner: str = "u") -> Problem:
    """Return a problem in which every function has a host and a GPU mode and all fit."""
    builder = ProblemBuilder()
    builder.add_gpu("k", 9)
    for name in functions:
        builder.add_function(name, "u", [0.9], [HOST, GPU])
    for name in instances:
        builder.add_instance(name, owner, 9, gpu=gpu)
    return builder.build()


def names(plan: Plan) -> set[tuple[str, str, int]]:
    problem = plan.problem
    return {
        (
            problem.function_names[problem.mode_function[mode]],
            problem.instance_names[instance],
            int(problem.mode_tier[mode]),
        )
        for mode, instance in plan.pairs.tolist()
    }


@pytest.fixture
def plan() -> Plan:
    rows = np.array([[1, 0], [3, 0], [5, 0]])
    found = make_plan(named("abc", "ij"), rows, method="hand", status="feasible", solve_s=0.0)
    assert names(found) == {("a", "i", 1), ("b", "i", 1), ("c", "i", 1)}
    return found


def test_pairs_are_matched_by_name(plan: Plan) -> None:
    start = carried_over(named("xcb", "zji"), plan)
    assert names(start) == {("b", "i", 1), ("c", "i", 1)}
    assert start.objective == pytest.approx(verify(start.problem, start))


@pytest.mark.parametrize("changes", [{"gpu": None}, {"owner": "v"}, {"instances": "j"}])
def test_pairs_no_longer_allowed_are_left_out(plan: Plan, changes: dict[str, str]) -> None:
    problem = named(**{"functions": "abc", "instances": "ij"} | changes)
    assert names(carried_over(problem, plan)) == set()


def test_forbidden_pairs_are_left_out(plan: Plan) -> None:
    problem = replace(plan.problem, forbidden=plan.pairs[:1])
    assert len(carried_over(problem, plan).pairs) == 2


def test_plan_in_place_stands_and_its_loads_are_paid(plan: Plan) -> None:
    problem = replace(plan.problem, held=plan.pairs[::-1])
    assert still_stands(problem, plan)
    again = stated_anew(problem, replace(plan, bound=plan.objective + 1))
    assert again.objective == pytest.approx(plan.objective + 3 * 0.5)
    assert again.bound == pytest.approx(again.objective + 1)
    verify(problem, again)


def test_plan_not_in_place_does_not_stand(plan: Plan) -> None:
    assert not still_stands(plan.problem, plan)
    assert not still_stands(replace(plan.problem, held=plan.pairs[1:]), plan)


def test_news_end_a_plan(plan: Plan) -> None:
    copies = plan.problem.copies.copy()
    copies[0, 0] = 0.8
    assert not still_stands(replace(plan.problem, held=plan.pairs, copies=copies), plan)


@pytest.mark.parametrize("method", ["price", "auto", "density"])
def test_tick_without_news_gives_the_same_plan(method: str) -> None:
    replan = Replanner(method, deadline_s=0.05)
    problem = make_instance(SIZES["M"], seed=1).problem
    first = replan(problem)
    second = replan(replace(problem, held=first.pairs))
    third = replan(replace(problem, held=first.pairs))
    np.testing.assert_array_equal(first.pairs, second.pairs)
    np.testing.assert_array_equal(first.pairs, third.pairs)
    assert len(second.loads) == len(second.offloads) == 0
    verify(third.problem, third)
    assert third.bound >= second.objective
