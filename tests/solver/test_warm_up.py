import pytest

from bench.solver.instances import SIZES, make_instance
from solver import UnknownMethod, solve, warm_up


def test_unknown_method() -> None:
    with pytest.raises(UnknownMethod):
        warm_up("guess")


def test_child_is_ready_afterwards() -> None:
    pytest.importorskip("highspy")
    warm_up("auto")
    plan = solve(make_instance(SIZES["S"], seed=3).problem, "auto", deadline_s=20.0)
    assert plan.status == "optimal"
