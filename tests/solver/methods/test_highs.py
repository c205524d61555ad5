import pytest

pytest.importorskip("highspy", reason="highspy is not installed")

from bench.solver.instances import SIZES, make_instance
from solver.methods import highs


def test_a_lost_solution_is_not_sought_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = 0
    run = highs._run

    def counted(solver: highs.SilentHighs) -> None:
        nonlocal runs
        runs += 1
        run(solver)

    monkeypatch.setattr(highs, "_run", counted)
    monkeypatch.setattr(highs, "_solution_is_lost", lambda *_: True)
    problem = make_instance(SIZES["M"], 1).problem
    plan = highs.Highs().solve(problem, deadline_s=0.3, seed=0, incumbent=None)
    assert plan.status == "deadline"
    assert runs == 1
