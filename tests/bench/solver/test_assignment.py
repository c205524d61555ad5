import os
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from bench.solver.assignment import (
    Assignment,
    AssignmentFileError,
    placement,
    read_assignment,
    read_best_known,
    total_cost,
)
from solver import solve, verify

DATA = Path(os.environ.get("HEADSTART_DATA", "../shared/data")) / "solver" / "gap"


@pytest.fixture
def assignment() -> Assignment:
    rng = np.random.default_rng(4)
    return Assignment(rng.integers(1, 9, (2, 6)), rng.integers(1, 5, (2, 6)), np.array([8, 8]))


def cheapest(assignment: Assignment) -> int:
    costs = []
    for choice in product(range(2), repeat=6):
        agent = np.array(choice)
        used = np.bincount(agent, assignment.use[agent, range(6)], 2)
        if (used <= assignment.capacity).all():
            costs.append(int(assignment.cost[agent, range(6)].sum()))
    return min(costs)


def test_file(tmp_path: Path) -> None:
    file = tmp_path / "gap"
    file.write_text("2 3\n1 2 3\n4 5 6\n7 8 9\n1 1 1\n10 11\n")
    assignment = read_assignment(file)
    assert assignment.cost.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert assignment.use.tolist() == [[7, 8, 9], [1, 1, 1]]
    assert assignment.capacity.tolist() == [10, 11]


def test_broken_file(tmp_path: Path) -> None:
    file = tmp_path / "gap"
    file.write_text("2 3\n1 2 3\n")
    with pytest.raises(AssignmentFileError, match="5 numbers"):
        read_assignment(file)


def test_optimal_plan_is_a_cheapest_assignment(assignment: Assignment) -> None:
    pytest.importorskip("highspy")
    plan = solve(placement(assignment), "highs", deadline_s=20.0)
    assert plan.status == "optimal"
    assert total_cost(assignment, plan) == cheapest(assignment)


def test_plan_that_leaves_items_out_has_no_cost(assignment: Assignment) -> None:
    tight = Assignment(assignment.cost, assignment.use, assignment.capacity // 4)
    assert total_cost(tight, solve(placement(tight), "density")) is None


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is absent; set HEADSTART_DATA")
def test_best_known_cost_is_reached() -> None:
    pytest.importorskip("highspy")
    best = read_best_known(DATA / "best_known.csv")
    assignment = read_assignment(DATA / "cattrysse1994" / "gap1-0")
    problem = placement(assignment)
    plan = solve(problem, "highs", deadline_s=30.0)
    verify(problem, plan)
    assert total_cost(assignment, plan) == best["cattrysse1994/gap1-0"]
