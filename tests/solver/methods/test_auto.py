from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from bench.solver.instances import SIZES, make_instance
from solver import Plan, Problem, solve, verify
from solver.methods.auto import Auto, exact_method
from solver.methods.density import Density
from solver.methods.price.plan import PricedPlan
from solver.worker import ChannelBroken, Worker

pytest.importorskip("highspy")


@pytest.fixture
def problem() -> Problem:
    return make_instance(SIZES["S"], seed=10).problem


@dataclass
class FakeWorker:
    """Answers with an exact plan, altered; or raises."""

    changes: dict[str, object] = field(default_factory=dict)
    error: Exception | None = None
    ready: bool = True
    hung: bool = False
    killed: bool = False

    def wait_ready(self, limit_s: float) -> bool:
        return self.ready

    def ask(self, plan: Plan, method: str, **options: float) -> Plan:
        if self.error:
            raise self.error
        exact = solve(plan.problem, "highs", deadline_s=20.0)
        return replace(exact, **self.changes)  # type: ignore[arg-type]

    def kill(self) -> None:
        self.killed = True


def auto_with(*workers: FakeWorker) -> Auto:
    waiting = iter(workers)
    return Auto(Density(), new_worker=lambda: next(waiting))  # type: ignore[arg-type,return-value]


def solve_with(auto: Auto, problem: Problem) -> Plan:
    plan = auto.solve(problem, deadline_s=30.0, seed=0, incumbent=None)
    verify(problem, plan)
    assert plan.method == "auto"
    return plan


def test_exact_answer_wins(problem: Problem) -> None:
    plan = solve_with(auto_with(FakeWorker()), problem)
    assert plan.status == "optimal"
    assert plan.objective > solve(problem, "density").objective


def test_bound_is_kept_when_the_plan_is_no_better(problem: Problem) -> None:
    first = solve(problem, "density")
    worker = FakeWorker({"pairs": first.pairs, "objective": first.objective, "bound": 15.0})
    plan = solve_with(auto_with(worker), problem)
    assert plan.bound == 15.0


@pytest.mark.parametrize(
    "changes",
    [
        {"objective": 1e9},
        {"bound": 1.0},
        {"bound": float("nan")},
        {"pairs": np.array([[0, 0]] * 3, dtype=np.int32)},
        {"pairs": "rubbish"},
        {"pairs": np.array([[10**6, 0]])},
    ],
)
def test_rubbish_costs_nothing_but_the_answer(problem: Problem, changes: dict[str, object]) -> None:
    worker = FakeWorker(changes)
    plan = solve_with(auto_with(worker), problem)
    assert plan.objective == solve(problem, "density").objective
    assert worker.killed


@pytest.mark.parametrize("error", [ChannelBroken("crash"), TimeoutError()])
def test_crash_and_silence_cost_nothing_but_the_answer(problem: Problem, error: Exception) -> None:
    plan = solve_with(auto_with(FakeWorker(error=error)), problem)
    assert plan.objective == solve(problem, "density").objective


def test_child_still_starting_is_not_asked(problem: Problem) -> None:
    plan = solve_with(auto_with(FakeWorker(ready=False)), problem)
    assert plan.status == "feasible"


def test_crashed_child_is_not_restarted_at_once(problem: Problem) -> None:
    now_s = [0.0]
    workers = iter([FakeWorker(error=ChannelBroken("crash")), FakeWorker()])
    auto = Auto(
        Density(),
        new_worker=lambda: next(workers),  # type: ignore[arg-type,return-value]
        clock=lambda: now_s[0],
    )
    assert solve_with(auto, problem).status == "feasible"
    assert solve_with(auto, problem).status == "feasible"
    now_s[0] = 20.0
    assert solve_with(auto, problem).status == "optimal"


def test_hung_child_is_replaced(problem: Problem) -> None:
    now_s = [0.0]
    hung = FakeWorker(error=TimeoutError())
    workers = iter([hung, FakeWorker()])
    auto = Auto(
        Density(),
        new_worker=lambda: next(workers),  # type: ignore[arg-type,return-value]
        clock=lambda: now_s[0],
    )
    solve_with(auto, problem)
    hung.hung = True
    now_s[0] = 20.0
    assert solve_with(auto, problem).status == "optimal"
    assert hung.killed


def test_size_and_time_choose_the_exact_method() -> None:
    pytest.importorskip("ortools")
    medium = make_instance(SIZES["M"], seed=1).problem
    assert exact_method(make_instance(SIZES["S"], seed=1).problem, 0.05) == "cpsat"
    assert exact_method(medium, 0.05) is None
    assert exact_method(medium, 10.0) == "decomposed"


def test_real_child_proves_optimality(problem: Problem) -> None:
    auto = Auto(Density(), new_worker=Worker)
    plan = solve_with(auto, problem)
    auto.close()
    assert plan.status == "optimal"


@pytest.mark.parametrize("changes", [{}, {"bound": 15.0}])
def test_prices_are_kept_whoever_found_the_plan(
    problem: Problem, changes: dict[str, object]
) -> None:
    auto = Auto(new_worker=lambda: FakeWorker(changes))  # type: ignore[arg-type,return-value]
    plan = solve_with(auto, problem)
    assert isinstance(plan, PricedPlan)
    assert plan.prices.memory.shape == (problem.n_instances,)
