"""What all methods promise, on small problems with every feature."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.solver.instances import SIZES, make_instance
from solver import Plan, Problem, UnknownMethod, solve, verify
from solver.builder import Mode, ProblemBuilder
from solver.json_format import format_problem, parse_problem
from solver.methods import METHODS
from solver.methods.price import Price
from tests.solver.brute_force import optimum
from tests.solver.problems import problems

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

EXACT = {"highs": "highspy", "cpsat": "ortools", "cbc": "pulp"}
BASELINES = ("priority", "density")
CLOSE = 2e-6

few = settings(max_examples=25)
fewer = settings(max_examples=10)


def answer(problem: Problem, method: str, deadline_s: float = 20.0) -> Plan:
    """Return a verified plan."""
    plan = solve(problem, method, deadline_s=deadline_s)
    verify(problem, plan)
    return plan


def priced(problem: Problem) -> Plan:
    """Return a verified plan of a short run of the heuristic, stopped by steps, not by time."""
    plan = Price(steps_per_instance=20).solve(problem, deadline_s=60.0, seed=0, incumbent=None)
    verify(problem, plan)
    return plan


def exact_optimum(problem: Problem) -> float:
    return answer(problem, "highs").objective


@pytest.mark.parametrize("method", EXACT)
@few
@given(problem=problems())
def test_exact_methods_agree_with_brute_force(method: str, problem: Problem) -> None:
    pytest.importorskip(EXACT[method])
    best = optimum(problem)
    plan = answer(problem, method)
    assert plan.objective == pytest.approx(best, rel=CLOSE, abs=CLOSE)
    assert plan.bound == pytest.approx(best, rel=CLOSE, abs=CLOSE)
    assert plan.bound >= best - CLOSE


@fewer
@given(problem=problems())
def test_decomposed_stays_below_its_bound(problem: Problem) -> None:
    pytest.importorskip("highspy")
    plan = answer(problem, "decomposed", deadline_s=0.1)
    best = optimum(problem)
    assert plan.objective <= best + CLOSE
    assert plan.bound >= best - CLOSE


@few
@given(problem=problems())
def test_heuristics_stay_below_the_optimum_and_bounds_above(problem: Problem) -> None:
    best = optimum(problem)
    for plan in (*(answer(problem, method) for method in BASELINES), priced(problem)):
        assert plan.objective <= best + CLOSE
        assert plan.bound >= best - CLOSE


@pytest.mark.parametrize("seed", range(1, 11))
def test_baselines_stay_below_price_and_price_below_the_optimum(seed: int) -> None:
    pytest.importorskip("highspy")
    problem = make_instance(SIZES["S"], seed).problem
    plan = answer(problem, "price")
    best = answer(problem, "highs")
    for method in BASELINES:
        assert answer(problem, method).objective <= plan.objective + CLOSE
    assert plan.objective <= best.objective + CLOSE
    assert best.bound <= plan.bound * (1 + CLOSE)


@pytest.mark.parametrize("method", [*BASELINES, *EXACT])
def test_same_seed_gives_the_same_plan(method: str) -> None:
    pytest.importorskip(EXACT.get(method, "numpy"))
    problem = make_instance(SIZES["S"], seed=3).problem
    np.testing.assert_array_equal(answer(problem, method).pairs, answer(problem, method).pairs)


@few
@given(problem=problems(), data=st.data())
def test_capacity_never_lowers_the_optimum(problem: Problem, data: st.DataObject) -> None:
    pytest.importorskip("highspy")
    more = data.draw(st.lists(st.integers(0, 4), min_size=problem.n_instances + problem.n_gpus,
                              max_size=problem.n_instances + problem.n_gpus))  # fmt: skip
    larger = replace(
        problem,
        instance_free_memory_bytes=problem.instance_free_memory_bytes + more[problem.n_gpus :],
        gpu_free_memory_bytes=problem.gpu_free_memory_bytes + more[: problem.n_gpus],
    )
    assert exact_optimum(larger) >= exact_optimum(problem) - CLOSE


@few
@given(problem=problems(max_functions=5))
def test_a_function_never_lowers_the_optimum(problem: Problem) -> None:
    pytest.importorskip("highspy")
    larger = replace(
        problem,
        function_names=(*problem.function_names, "new"),
        function_owner=np.append(problem.function_owner, 0),
        function_library=np.append(problem.function_library, -1),
        copies=np.vstack([problem.copies, np.full(problem.copies.shape[1], 0.5)]),
        mode_function=np.append(problem.mode_function, problem.n_functions),
        mode_tier=np.append(problem.mode_tier, 0),
        mode_memory_bytes=np.append(problem.mode_memory_bytes, 2),
        mode_gpu_memory_bytes=np.append(problem.mode_gpu_memory_bytes, 0),
        mode_saving_s=np.append(problem.mode_saving_s, 2.0),
        mode_load_cost_s=np.append(problem.mode_load_cost_s, 0.25),
    )
    assert exact_optimum(larger) >= exact_optimum(problem) - CLOSE


@few
@given(problem=problems(), data=st.data())
def test_order_and_names_never_change_the_optimum(problem: Problem, data: st.DataObject) -> None:
    pytest.importorskip("highspy")
    shuffled = _shuffled(problem, data)
    assert exact_optimum(shuffled) == pytest.approx(exact_optimum(problem), rel=CLOSE, abs=CLOSE)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_empty_problems(method: str) -> None:
    pytest.importorskip(EXACT.get(method, "highspy"))
    builder = ProblemBuilder()
    assert len(answer(builder.build(), method, deadline_s=0.2).pairs) == 0
    builder.add_function("f", "u", [0.5], [Mode("host", 1, 1.0, 0.1)])
    plan = answer(builder.build(), method, deadline_s=0.2)
    assert plan.unplaced == ((0, "its owner has no instance"),)


def test_unknown_method() -> None:
    with pytest.raises(UnknownMethod, match="method is 'guess', expected one of auto, price"):
        solve(make_instance(SIZES["S"], seed=1).problem, "guess")


def _shuffled(problem: Problem, data: st.DataObject) -> Problem:
    """Return the problem with its functions and instances in another order, under other names."""
    document = json.loads(format_problem(problem))
    for kind in ("functions", "instances"):
        document[kind] = data.draw(st.permutations(document[kind]))
    text = json.dumps(document)
    for prefix, other in (('"f', '"function '), ('"i', '"instance ')):
        for number in range(8):
            text = text.replace(f'{prefix}{number}"', f'{other}{number}"')
    return parse_problem(text.encode())
