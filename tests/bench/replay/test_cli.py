"""The command, on a trace of its own."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.replay.cli import app

TRACE = "HashOwner,HashFunction,1,2,3,4,5\n" + "".join(
    f"o{row % 2},f{row},{row % 3},1,0,{row % 2},2\n" for row in range(6)
)


def run(tmp_path: Path, *arguments: str):  # type: ignore[no-untyped-def]
    file = tmp_path / "trace.csv"
    file.write_text(TRACE)
    fixed = ["--trace", str(file), "--functions", "8", "--minutes", "5", "--owners", "2"]
    return CliRunner().invoke(app, [*fixed, "--out", str(tmp_path / "out"), *arguments])


def test_it_writes_runs_a_table_and_pictures(tmp_path: Path) -> None:
    chosen = ["--policies", "openwhisk", "--preload", "none,own", "--memory-gib", "16"]
    result = run(tmp_path, *chosen, "--seeds", "1-2", "--warm-keeps-model", "no")
    assert result.exit_code == 0, result.output
    out = tmp_path / "out"
    assert len(list((out / "runs").glob("*.csv"))) == 4
    assert "| 16 | openwhisk | private | own | 1-2 |" in (out / "summary.md").read_text()
    assert {one.name for one in out.glob("*.png")} == {
        "latency_by_policy_16gib.png",
        "latency_openwhisk_16gib.png",
        "memory_openwhisk_16gib.png",
    }


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--policies", "lru"),
        ("--preload", "all"),
        ("--memory-gib", "0"),
        ("--seeds", "a-b"),
        ("--seeds", "3-"),
        ("--seeds", "3-1"),
        ("--starts", "nowhere"),
        ("--warm-keeps-model", "maybe"),
    ],
)
def test_wrong_options_are_refused_by_name(tmp_path: Path, option: str, value: str) -> None:
    result = run(tmp_path, option, value)
    assert result.exit_code == 2
    assert option in result.output


def test_a_trace_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    result = run(tmp_path, "--trace", str(tmp_path / "nowhere.csv"))
    assert result.exit_code == 2
    assert result.output.startswith("error: ")
    assert "nowhere.csv" in result.output
    (tmp_path / "bad.csv").write_text(TRACE.replace("f3,0", "f3,many"))
    result = run(tmp_path, "--trace", str(tmp_path / "bad.csv"))
    assert result.exit_code == 2
    assert "line 5: column 3: 'many'" in result.output
    assert "Traceback" not in result.output


def test_a_folder_with_other_runs_is_one_line(tmp_path: Path) -> None:
    chosen = ["--policies", "openwhisk", "--preload", "none", "--memory-gib", "16", "--seeds", "1"]
    assert run(tmp_path, *chosen).exit_code == 0
    result = run(tmp_path, *chosen, "--cap", "3")
    assert result.exit_code == 2
    assert result.output.startswith("error: ")
    assert "expected Draw(functions=8, owners=2, cap_per_min=5, minutes=5)" in result.output
