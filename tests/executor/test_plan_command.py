import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.solver.instances import SIZES, make_instance
from executor.cli import app
from solver.files import write_problem


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "problem.json"
    write_problem(make_instance(SIZES["S"], seed=1).problem, path)
    return path


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["plan", *map(str, arguments)])
    return result.exit_code, result.output


def test_json(file: Path) -> None:
    code, output = run(file, "--method", "density", "-o", "json")
    document = json.loads(output)
    assert code == 0
    assert document["method"] == "density"
    assert document["placements"]


def test_table(file: Path) -> None:
    code, output = run(file, "--method", "density")
    assert code == 0
    assert "density: feasible" in output
    assert "not placed" in output


def test_broken_file(tmp_path: Path) -> None:
    path = tmp_path / "problem.json"
    path.write_text("{}")
    code, output = run(path)
    assert code == 2
    assert "problem.json: version" in output.replace("\n", "")


def test_unknown_method(file: Path) -> None:
    code, output = run(file, "--method", "guess")
    assert code == 2
    assert "method is 'guess', expected one of" in output


def test_explained(file: Path) -> None:
    code, output = run(file, "--method", "density", "--explain", "f7", "--explain", "f0")
    assert code == 0
    assert "f7 is not placed: the memory it could use serves others better." in output
    assert "and would displace f22 in i9" in output
    assert "f0 is in i9 (gpu), held already" in output


def test_explained_in_json(file: Path) -> None:
    _, output = run(file, "--method", "density", "--explain", "f7", "-o", "json")
    (found,) = json.loads(output)["explanations"]
    assert found["function"] == "f7"
    assert found["options"][0]["short_s"] > 0


def test_unknown_function(file: Path) -> None:
    code, output = run(file, "--method", "density", "--explain", "nobody")
    assert code == 2
    assert "function is 'nobody'" in output
