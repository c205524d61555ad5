import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.live.cli import app
from bench.live.runs import read_calls
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
    few = ["--least", "2", "--most", "3"]
    fast = [*few, "--minutes", "0.03", "--time-scale", "30", "--repeats", "1", "--share", "none"]
    return [*said, *fast, "--runtime", "process", "--setups", "fits", "--policies", "openwhisk"]


def test_runs_are_measured_predicted_and_not_repeated(tmp_path: Path, arguments: list[str]) -> None:
    wanted = [*arguments, "--modes", "none"]
    done = CliRunner().invoke(app, wanted, catch_exceptions=False)
    assert done.exit_code == 0
    out = tmp_path / "out"
    summary = (out / "summary.md").read_text()
    assert "| openwhisk | no pre-loading | 0 |" in summary
    assert "| fits | openwhisk | no pre-loading |" in summary
    assert (out / "fits-openwhisk.png").stat().st_size > 0
    calls = out / "fits" / "openwhisk" / "none" / "calls.csv"
    outcomes = list(read_calls(calls))
    assert [one.status for one in outcomes] == [200] * 5
    assert {one.start_kind for one in outcomes} <= {"cold", "warm"}
    written_ns = calls.stat().st_mtime_ns
    again = CliRunner().invoke(app, wanted, catch_exceptions=False)
    assert again.exit_code == 0
    assert calls.stat().st_mtime_ns == written_ns
    with pytest.raises(ConfigError, match="seed"):
        CliRunner().invoke(app, [*wanted, "--seed", "7"], catch_exceptions=False)


def test_an_unknown_policy_is_named(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, [*arguments, "--policies", "magic"])
    assert done.exit_code == 2
    assert "magic" in done.output
