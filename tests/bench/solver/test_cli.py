from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.solver.cli import app
from bench.solver.runs import read_rows


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def solver(out: Path, methods: str, seeds: str) -> int:
    code, _ = run("solver", "--out", str(out), "--sizes", "S", "--methods", methods,
                  "--deadlines", "0.05", "--seeds", seeds)  # fmt: skip
    return code


def test_second_call_goes_on(tmp_path: Path) -> None:
    assert solver(tmp_path, "density", "1-2") == 0
    first = read_rows(tmp_path / "runs.csv")
    assert solver(tmp_path, "density,priority", "1,2") == 0
    rows = read_rows(tmp_path / "runs.csv")
    assert rows[:2] == first
    assert len(rows) == 4
    assert (tmp_path / "table.md").read_text().count("| S |") == 2


@pytest.mark.parametrize("arguments", [("--sizes", "XS"), ("--methods", "guess")])
def test_unknown_names(tmp_path: Path, arguments: tuple[str, str]) -> None:
    code, output = run("solver", "--out", str(tmp_path), *arguments)
    assert code == 2
    assert arguments[1] in output
