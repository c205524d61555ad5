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
    assert "| 16 | openwhisk | own |" in (out / "summary.md").read_text()
    assert {one.name for one in out.glob("*.png")} == {
        "latency_by_policy_16gib.png",
        "latency_openwhisk_16gib.png",
        "memory_openwhisk_16gib.png",
    }


@pytest.mark.parametrize(
    ("option", "value"),
    [("--policies", "lru"), ("--preload", "all"), ("--memory-gib", "0"), ("--seeds", "a-b")],
)
def test_wrong_options_are_refused_by_name(tmp_path: Path, option: str, value: str) -> None:
    result = run(tmp_path, option, value)
    assert result.exit_code == 2
    assert option in result.output
