import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.live.cli import app
from executor.errors import ConfigError
from tests.e2e.servers import ECHO, write_function

SCENARIO = "period_s: 60\ncalls:\n  a: [3]\n  b: [2]\n"


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    tensor = {"name": "x", "datatype": "BYTES", "shape": [1], "data": ["hello"]}
    for name in "fg":
        write_function(tmp_path / "functions" / name, ECHO)
        example = tmp_path / "functions" / name / "example.json"
        example.write_text(json.dumps({"inputs": [tensor]}))
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    paths = {"trace": "scenario.yaml", "functions": "functions", "models": "", "out": "out"}
    said = [word for key, path in paths.items() for word in (f"--{key}", str(tmp_path / path))]
    fast = ["--minutes", "0.03", "--time-scale", "30", "--repeats", "1", "--share", "none"]
    return [*said, *fast, "--runtime", "process", "--setups", "fits", "--policies", "openwhisk"]


def test_runs_are_measured_predicted_and_not_repeated(tmp_path: Path, arguments: list[str]) -> None:
    wanted = [*arguments, "--modes", "none,own"]
    done = CliRunner().invoke(app, wanted, catch_exceptions=False)
    assert done.exit_code == 0
    out = tmp_path / "out"
    summary = (out / "summary.md").read_text()
    rows = [line for line in summary.splitlines() if line.startswith("| openwhisk")]
    assert [row.split(" | ")[1:3] for row in rows] == [
        ["no pre-loading", "0"],
        ["keep own model", "0"],
    ]
    assert "| fits | openwhisk | keep own model |" in summary
    assert (out / "fits-openwhisk.png").stat().st_size > 0
    runs = {way: out / "fits" / "openwhisk" / way / "calls.csv" for way in ("none", "own")}
    assert all(len(calls.read_text().splitlines()) == 6 for calls in runs.values())
    assert ",host," in runs["own"].read_text()
    assert ",host," not in runs["none"].read_text()
    written_ns = {way: calls.stat().st_mtime_ns for way, calls in runs.items()}
    again = CliRunner().invoke(app, wanted, catch_exceptions=False)
    assert again.exit_code == 0
    assert {way: calls.stat().st_mtime_ns for way, calls in runs.items()} == written_ns
    with pytest.raises(ConfigError, match="seed"):
        CliRunner().invoke(app, [*wanted, "--seed", "7"], catch_exceptions=False)


def test_an_unknown_policy_is_named(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, [*arguments, "--policies", "magic"])
    assert done.exit_code == 2
    assert "magic" in done.output
