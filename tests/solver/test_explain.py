from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from bench.solver.instances import SIZES, make_instance
from solver import Plan, Problem, solve
from solver.builder import Mode, ProblemBuilder
from solver.explain import MIB, Option, Placed, Residency, UnknownFunction, explain
from solver.plan import make_plan
from solver.shadow import shadow_prices
from tests.solver.problems import problems


def host(memory_bytes: int, saving_s: float) -> Mode:
    return Mode("host", memory_bytes, saving_s, load_cost_s=0.0)


@pytest.fixture
def plan() -> Plan:
    """Return a plan in which a and b fill i, and c lies on the only GPU, in j."""
    builder = ProblemBuilder()
    builder.add_gpu("k", 4)
    builder.add_function("a", "u", [0.5], [host(6, 4.0)])
    builder.add_function("b", "u", [0.5], [host(4, 1.0)])
    builder.add_function("c", "u", [0.5], [Mode("gpu", 1, 4.0, 0.0, gpu_memory_bytes=3)])
    builder.add_function("d", "u", [0.5], [host(3, 0.5), Mode("gpu", 1, 2.0, 0.0, 2)])
    builder.add_function("huge", "u", [0.5], [host(99, 4.0)])
    builder.add_instance("i", "u", 10)
    builder.add_instance("j", "u", 2, gpu="k")
    rows = np.array([[0, 0], [1, 0], [2, 1]])
    return make_plan(builder.build(), rows, method="hand", status="feasible", solve_s=0.0)


def test_placed_function(plan: Plan) -> None:
    found = explain(plan, "a")
    (placed,) = found.placed
    assert placed.residency == Residency("a", "i", "host")
    assert placed.saves_s == pytest.approx(2.0)
    assert not placed.held
    assert found.reason is None
    assert found.options == ()


def test_what_placing_would_take(plan: Plan) -> None:
    found = explain(plan, "d")
    assert found.placed == ()
    assert found.reason == "the memory it could use serves others better"
    options = {option.residency.instance: option for option in found.options}
    assert options["i"].displaced == (Residency("b", "i", "host"),)
    assert options["i"].missing_bytes == 3
    assert options["i"].short_s == pytest.approx(0.5 - 0.25)
    assert options["j"].displaced == (Residency("c", "j", "gpu"),)
    assert (options["j"].missing_bytes, options["j"].missing_gpu_bytes) == (0, 1)
    assert options["j"].short_s == pytest.approx(2.0 - 1.0)
    assert found.options[0].residency.instance == "i"


def test_pinned_residencies_stay(plan: Plan) -> None:
    problem = replace(plan.problem, pinned=plan.pairs)
    pinned = make_plan(problem, plan.pairs, method="hand", status="feasible", solve_s=0.0)
    assert [option.displaced for option in explain(pinned, "d").options] == [None, None]


def test_function_that_fits_nowhere(plan: Plan) -> None:
    found = explain(plan, "huge")
    assert found.options == ()
    assert found.reason == "it fits none of its owner's instances"


def test_unknown_function(plan: Plan) -> None:
    with pytest.raises(UnknownFunction, match="function is 'z'"):
        explain(plan, "z")


@given(problems())
def test_every_function_has_a_place_or_a_reason(problem: Problem) -> None:
    plan = solve(problem, "density")
    for name in problem.function_names:
        found = explain(plan, name)
        assert bool(found.placed) != bool(found.reason)
        for option in found.options:
            _check_room(plan, option)


def _check_room(plan: Plan, option: Option) -> None:
    assert (option.displaced == ()) == (option.missing_bytes == option.missing_gpu_bytes == 0)
    assert option.loss_s >= -1e-9 or option.displaced is None
    assert option.memory_price_s_per_mib >= 0


@pytest.mark.parametrize("size", ["S", "M"])
def test_scarce_memory_has_a_price_near_what_it_earns(size: str) -> None:
    plan = solve(make_instance(SIZES[size], seed=1).problem, "price", deadline_s=0.1)
    prices = shadow_prices(plan)
    problem = plan.problem
    rent = prices.memory_s @ problem.instance_free_memory_bytes
    rent += prices.gpu_memory_s @ problem.gpu_free_memory_bytes
    assert 0 < rent < plan.objective
    placed: list[Placed] = [
        one for name in problem.function_names[:100] for one in explain(plan, name).placed
    ]
    worth_it = [one.saves_s >= one.pays_s for one in placed]
    assert np.mean(worth_it) > 0.8


def test_memory_that_nobody_wants_is_free(plan: Plan) -> None:
    problem = replace(plan.problem, instance_free_memory_bytes=np.array([1000, 1000]) * MIB)
    assert shadow_prices(solve(problem, "density")).memory_s.max() == pytest.approx(0, abs=1e-12)
