from pathlib import Path

from bench.solver.runs import Run, all_runs, append_row, measure, read_rows
from solver.methods.density import Density
from solver.methods.priority import Priority


def test_methods_without_a_deadline_run_once() -> None:
    runs = all_runs(["S"], [1, 2], ["price", "density"], [0.05, 0.01])
    assert runs == [
        Run("S", 1, "price", 0.01),
        Run("S", 1, "price", 0.05),
        Run("S", 1, "density", 0.01),
        Run("S", 2, "price", 0.01),
        Run("S", 2, "price", 0.05),
        Run("S", 2, "density", 0.01),
    ]


def test_rows_survive_the_file(tmp_path: Path) -> None:
    file = tmp_path / "runs.csv"
    runs = all_runs(["S"], [1, 2], ["priority", "density"], [0.05])
    rows = list(measure(runs, {"priority": Priority(), "density": Density()}))
    for row in rows:
        append_row(file, row)
    assert read_rows(file) == rows
    assert [row.run for row in rows] == runs


def test_no_earlier_call(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "runs.csv") == []
