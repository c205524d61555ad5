from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from solver import InvalidPlan, Plan, Problem, solve, verify
from solver.builder import Mode, ProblemBuilder
from solver.plan import make_plan
from tests.solver.problems import problems


@pytest.fixture
def problem() -> Problem:
    """Two owners; modes 0 f host, 1 f gpu, 2 g host, 3 h host."""
    builder = ProblemBuilder()
    builder.add_library("l", 4)
    builder.add_gpu("k", 5)
    gpu = Mode("gpu", memory_bytes=1, saving_s=4.0, load_cost_s=0.5, gpu_memory_bytes=3)
    host = Mode("host", memory_bytes=3, saving_s=2.0, load_cost_s=0.5)
    builder.add_function("f", "u", [0.5, 0.25], [host, gpu], library="l")
    builder.add_function("g", "u", [0.5], [host], library="l")
    builder.add_function("h", "v", [1.0], [host])
    builder.add_instance("i", "u", 10, gpu="k")
    builder.add_instance("j", "u", 9, gpu="k", survival=0.5)
    builder.add_instance("n", "v", 9)
    builder.hold("f", "i", "host")
    builder.set_load_cost("g", "i", "host", 0.25)
    return builder.build()


def plan_of(problem: Problem, *rows: tuple[int, int]) -> Plan:
    plan = make_plan(problem, problem.held, method="hand", status="feasible", solve_s=0.0)
    return replace(plan, pairs=np.array(rows, dtype=np.int32).reshape(-1, 2))


def test_worth_of_copies_libraries_and_costs(problem: Problem) -> None:
    plan = plan_of(problem, (0, 0), (2, 0), (0, 1))
    worth = 0.5 * 2.0 + 0.25 * 1.0 - 0.5 + 0.5 * 2.0 - 0.25
    assert verify(problem, replace(plan, objective=worth)) == pytest.approx(worth)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(3, 0)], "mode 3 of h in i belongs to another owner"),
        ([(0, 0), (1, 0)], "f is i's more than once"),
        ([(0, 1), (2, 1)], "j needs 10 bytes of 9"),
        ([(1, 0), (1, 1)], "k needs 6 bytes of 5"),
        ([(9, 0)], "unknown mode or instance"),
        ([(0, -1)], "unknown mode or instance"),
    ],
)
def test_names_what_is_wrong(problem: Problem, rows: list[tuple[int, int]], message: str) -> None:
    with pytest.raises(InvalidPlan, match=message):
        verify(problem, plan_of(problem, *rows))


def test_gpu_mode_needs_a_gpu(problem: Problem) -> None:
    without = replace(problem, instance_gpu=np.array([-1, -1, -1]))
    with pytest.raises(InvalidPlan, match="i has no GPU"):
        verify(without, plan_of(without, (1, 0)))


def test_pinned_and_forbidden(problem: Problem) -> None:
    ruled = replace(problem, pinned=np.array([[0, 1]]), forbidden=np.array([[2, 0]]))
    with pytest.raises(
        InvalidPlan, match=r"g in i is forbidden; .*f in j is pinned but not placed"
    ):
        verify(ruled, plan_of(ruled, (2, 0)))


@pytest.mark.parametrize("value", [-1.0, float("nan")])
def test_misstated_worth(problem: Problem, value: float) -> None:
    plan = make_plan(problem, problem.held, method="hand", status="feasible", solve_s=0.0)
    with pytest.raises(InvalidPlan, match="objective is stated as"):
        verify(problem, replace(plan, objective=value))
    with pytest.raises(InvalidPlan, match=r"bound .* lies below"):
        verify(problem, replace(plan, bound=value))


@pytest.mark.parametrize("pairs", [None, np.zeros((1, 3), np.int32), np.zeros((1, 2))])
def test_pairs_that_are_no_rows(problem: Problem, pairs: object) -> None:
    with pytest.raises(InvalidPlan, match="pairs are"):
        verify(problem, replace(plan_of(problem), pairs=pairs))  # type: ignore[arg-type]


@given(problems())
def test_agrees_with_the_objective_of_plans(problem: Problem) -> None:
    plan = solve(problem, "density")
    assert verify(problem, plan) == pytest.approx(plan.objective)
