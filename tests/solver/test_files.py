import json
from pathlib import Path

import pytest

from bench.solver.instances import SIZES, make_instance
from solver import InvalidProblem, solve
from solver.files import read_problem, write_plan, write_problem
from solver.json_format import format_problem


@pytest.mark.parametrize("name", ["problem.json", "problem.npz"])
def test_suffix_tells_the_format(tmp_path: Path, name: str) -> None:
    problem = make_instance(SIZES["S"], seed=1).problem
    write_problem(problem, tmp_path / name)
    assert format_problem(read_problem(tmp_path / name)) == format_problem(problem)


def test_unknown_suffix(tmp_path: Path) -> None:
    with pytest.raises(InvalidProblem, match=r"file suffix is '\.toml', expected \.json or \.npz"):
        read_problem(tmp_path / "problem.toml")


def test_error_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "problem.json"
    file.write_text('{"version": 1, "instances": []}')
    with pytest.raises(InvalidProblem, match=r"problem\.json: functions"):
        read_problem(file)


def test_plan_file(tmp_path: Path) -> None:
    plan = solve(make_instance(SIZES["S"], seed=1).problem, "density")
    write_plan(plan, tmp_path / "plan.json")
    document = json.loads((tmp_path / "plan.json").read_bytes())
    assert document["method"] == "density"
    assert len(document["placements"]) == len(plan.pairs)
