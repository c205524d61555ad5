import pytest

pytest.importorskip("highspy", reason="highspy is not installed")

from bench.solver.instances import SIZES, make_instance
from solver.methods import highs


def test_a_lost_solution_is_not_sought_after_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    run = highs._run
    monkeypatch.setattr(highs, "_run", lambda solver: (runs.append(solver), run(solver)))
    monkeypatch.setattr(highs, "_solution_is_lost", lambda *_: True)
    problem = make_instance(SIZES["M"], 1).problem
    plan = highs.Highs().solve(problem, deadline_s=0.3, seed=0, incumbent=None)
    assert plan.status == "deadline"
    assert len(runs) == 1
