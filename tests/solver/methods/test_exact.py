import sys

import pytest

from bench.solver.instances import SIZES, make_instance
from solver import MissingSolver, solve, verify
from solver.builder import Mode, ProblemBuilder
from solver.methods import METHODS, load_method

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
PACKAGES = {"highs": "highspy", "cpsat": "ortools.sat.python", "cbc": "pulp"}


@pytest.mark.parametrize("method", PACKAGES)
def test_stopped_search_returns_a_plan_and_a_true_bound(method: str) -> None:
    pytest.importorskip(PACKAGES[method])
    problem = make_instance(SIZES["M"], seed=1).problem
    plan = solve(problem, method, deadline_s=0.3)
    verify(problem, plan)
    assert plan.status == "deadline"
    assert plan.bound > plan.objective


@pytest.mark.parametrize("method", PACKAGES)
def test_no_time_at_all(method: str) -> None:
    pytest.importorskip(PACKAGES[method])
    problem = make_instance(SIZES["S"], seed=1).problem
    plan = solve(problem, method, deadline_s=1e-9)
    verify(problem, plan)
    assert plan.status == "deadline"


@pytest.mark.parametrize("method", PACKAGES)
def test_answer_is_never_worse_than_the_incumbent(method: str) -> None:
    pytest.importorskip(PACKAGES[method])
    problem = make_instance(SIZES["M"], seed=1).problem
    incumbent = solve(problem, "price", deadline_s=0.1)
    plan = solve(problem, method, deadline_s=0.05, incumbent=incumbent)
    assert plan.objective >= incumbent.objective - 1e-9


@pytest.mark.parametrize("method", PACKAGES)
def test_missing_package_names_the_extra(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = METHODS[method].split(":")[0]
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, PACKAGES[method], None)
    with pytest.raises(MissingSolver, match=r"pip install 'headstart\[solvers\]'"):
        load_method(method)


@pytest.mark.parametrize("method", PACKAGES)
def test_nothing_is_printed(method: str, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip(PACKAGES[method])
    solve(make_instance(SIZES["S"], seed=3).problem, method, deadline_s=5.0)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("method", PACKAGES)
def test_better_solution_than_the_start_is_not_lost(method: str) -> None:
    pytest.importorskip(PACKAGES[method])
    builder = ProblemBuilder()
    builder.add_gpu("k", 0)
    builder.add_function("f", "u", [0.15], [Mode("host", 2, 0.125, 0.0)])
    builder.add_function("g", "u", [0.15], [Mode("host", 1, 1.875, 0.2)])
    builder.add_function("h", "u", [0.05], [Mode("host", 0, 0.125, 0.0), Mode("gpu", 0, 0.25, 0.0)])
    builder.add_instance("i", "u", 0, gpu="k")
    builder.add_instance("j", "u", 2, survival=0.75)
    plan = solve(builder.build(), method, deadline_s=20.0)
    assert plan.objective == pytest.approx(0.15 * 0.125 * 0.75 + 0.05 * 0.25)
    assert plan.status == "optimal"


def test_other_uses_of_highs_in_one_process_do_no_harm() -> None:
    highspy = pytest.importorskip("highspy")
    other = highspy.Highs()
    other.setOptionValue("threads", 2)
    other.run()
    plan = solve(make_instance(SIZES["S"], seed=3).problem, "highs", deadline_s=20.0)
    assert plan.status == "optimal"
