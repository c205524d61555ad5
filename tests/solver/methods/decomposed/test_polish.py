import pytest

from solver import verify
from solver.deadline import Deadline
from solver.methods.decomposed.polish import Polish
from solver.methods.density import Density
from tests.solver.brute_force import optimum
from tests.solver.methods.price.problems import random_problem, small_problem

pytest.importorskip("highspy")


@pytest.mark.parametrize("seed", range(20))
def test_plan_stays_feasible_and_never_gets_worse(seed: int) -> None:
    problem = random_problem(seed)
    plan = Density().solve(problem, deadline_s=60.0, seed=0, incumbent=None)
    polish = Polish(problem, plan.pairs, seed)
    for _ in range(5 * (len(problem.pairs) > 0)):
        before = polish.plan.objective
        polish.step(Deadline(60.0))
        assert verify(problem, polish.plan) >= before - 1e-9


@pytest.mark.parametrize("seed", range(20))
def test_one_owner_is_solved_to_the_end(seed: int) -> None:
    problem = small_problem(seed)
    if problem.n_owners > 1 or not len(problem.pairs):
        problem = small_problem(seed + 1000)
    plan = Density().solve(problem, deadline_s=60.0, seed=0, incumbent=None)
    polish = Polish(problem, plan.pairs, 0)
    for _ in range(problem.n_owners * (len(problem.pairs) > 0)):
        polish.step(Deadline(60.0))
    if problem.n_owners == 1:
        assert polish.plan.objective == pytest.approx(optimum(problem), rel=1e-5, abs=1e-6)
