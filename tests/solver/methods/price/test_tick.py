"""Solves that follow one another, each from the plan before."""

from dataclasses import replace

import numpy as np
import pytest

from bench.solver.instances import SIZES, make_instance, next_tick
from solver import Plan, Problem, verify
from solver.incumbent import carried_over
from solver.methods.price import Price


def solve(problem: Problem, incumbent: Plan | None = None, seed: int = 0) -> Plan:
    start = None if incumbent is None else carried_over(problem, incumbent)
    method = Price(steps_per_instance=50)
    plan = method.solve(problem, deadline_s=60.0, seed=seed, incumbent=start)
    verify(problem, plan)
    return plan


@pytest.fixture(scope="module")
def settled() -> Plan:
    """A plan in which no single step finds anything better any more."""
    plan = solve(make_instance(SIZES["S"], seed=1).problem)
    for seed in range(40):
        plan = solve(replace(plan.problem, held=plan.pairs), plan, seed)
    return plan


def test_noise_moves_nothing(settled: Plan) -> None:
    rng = np.random.default_rng(0)
    noise = 1 + 1e-4 * rng.standard_normal((settled.problem.n_functions, 1))
    copies = np.minimum(settled.problem.copies * noise, 1.0)
    problem = replace(settled.problem, copies=copies, held=settled.pairs)
    np.testing.assert_array_equal(solve(problem, settled, seed=77).pairs, settled.pairs)


@pytest.mark.parametrize("seed", range(1, 6))
def test_tick_never_lowers_the_worth_and_loads_little(seed: int) -> None:
    instance = make_instance(SIZES["S"], seed)
    last = solve(instance.problem)
    tick = next_tick(instance, last, np.random.default_rng(seed))
    plan = solve(tick.problem, last)
    assert plan.objective >= carried_over(tick.problem, last).objective - 1e-9
    assert len(plan.loads) <= max(2, 0.1 * len(plan.pairs))


def test_prices_are_kept_from_tick_to_tick() -> None:
    instance = make_instance(SIZES["S"], seed=2)
    last = solve(instance.problem)
    problem = replace(instance.problem, held=last.pairs)
    assert solve(problem, last).gap <= last.gap + 0.02


@pytest.mark.parametrize("seed", range(1, 7))
def test_incumbent_is_never_made_worse(seed: int) -> None:
    problem = make_instance(SIZES["S"], seed).problem
    first = solve(problem)
    again = solve(problem, first, seed=1)
    assert again.objective >= first.objective - 1e-9


def test_shortest_deadline_still_gives_a_plan() -> None:
    problem = make_instance(SIZES["M"], seed=1).problem
    plan = Price().solve(problem, deadline_s=1e-9, seed=0, incumbent=None)
    assert plan.status == "deadline"
    assert verify(problem, plan) > 0.0
