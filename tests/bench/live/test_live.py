import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.live.cli import app
from tests.e2e.servers import ECHO, write_function

SCENARIO = "period_s: 2\ncalls:\n  f: [5]\n"


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    tensor = {"name": "x", "datatype": "BYTES", "shape": [1], "data": ["hello"]}
    for name in "fg":
        write_function(tmp_path / "functions" / name, ECHO)
        example = tmp_path / "functions" / name / "example.json"
        example.write_text(json.dumps({"inputs": [tensor]}))
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    paths = {"scenario": "scenario.yaml", "functions": "functions", "models": "", "out": "out"}
    return [word for key, path in paths.items() for word in (f"--{key}", str(tmp_path / path))]


def test_every_policy_is_run_in_every_mode(tmp_path: Path, arguments: list[str]) -> None:
    wanted = ["--policies", "openwhisk,none", "--modes", "none,own", "--time-scale", "1"]
    done = CliRunner().invoke(app, [*arguments, *wanted], catch_exceptions=False)
    assert done.exit_code == 0
    policies = json.loads((tmp_path / "out" / "summary.json").read_text())["policies"]
    assert set(policies) == {"openwhisk", "none"}
    for runs in policies.values():
        assert [run["calls"] for run in runs] == [5, 5]
        assert all(run["failures"] == 0 for run in runs)
    kept = policies["openwhisk"][1]["start_kinds"]
    assert kept.get("host", 0) > 0
    assert set(policies["none"][0]["start_kinds"]) == {"cold"}
    assert (tmp_path / "out" / "openwhisk.png").stat().st_size > 0


def test_an_unknown_policy_is_named(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, [*arguments, "--policies", "magic"])
    assert done.exit_code == 2
    assert "magic" in done.output
