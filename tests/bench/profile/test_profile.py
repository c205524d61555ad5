import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.profile.cli import app
from bench.replay.profiles import read_profile
from tests.e2e.servers import ECHO, write_function

RAISES = "def load(): ...\ndef predict(model, request):\n    raise ValueError('no')"


def example(folder: Path) -> None:
    tensor = {"name": "x", "datatype": "BYTES", "shape": [1], "data": ["hello"]}
    (folder / "example.json").write_text(json.dumps({"inputs": [tensor]}))


@pytest.mark.parametrize("large_mib", [40])
def test_what_is_measured_can_be_replayed(tmp_path: Path, large_mib: int) -> None:
    large = ECHO.replace("return None", f"return b'x' * ({large_mib} << 20)", 1)
    for name, code in {"small": ECHO, "large": large}.items():
        write_function(tmp_path / "f" / name, code)
        example(tmp_path / "f" / name)
    out = tmp_path / "profile.yaml"
    arguments = ["--functions", str(tmp_path / "f"), "--models", str(tmp_path), "--out", str(out)]
    done = CliRunner().invoke(app, [*arguments, "--repeats", "1"], catch_exceptions=False)
    assert done.exit_code == 0
    costs = read_profile(out)
    assert costs.start_s > 0
    more_mib = costs.models["large"].memory_mib - costs.models["small"].memory_mib
    assert large_mib - 5 <= more_mib <= large_mib + 5
    assert costs.models["small"].limit_mib == 128


def test_a_function_that_fails_is_an_error(tmp_path: Path) -> None:
    write_function(tmp_path / "f" / "bad", RAISES)
    example(tmp_path / "f" / "bad")
    arguments = ["--functions", str(tmp_path / "f"), "--models", str(tmp_path)]
    done = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out.yaml")])
    assert done.exit_code == 2
    assert "error: bad: " in done.output
    assert "ValueError: no" in done.output
    assert not (tmp_path / "out.yaml").exists()


def test_what_a_user_can_mend_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file")
    write_function(tmp_path / "f" / "mute", ECHO)
    for functions, out, message in [
        ("nowhere", "out.yaml", "nowhere: functions is []"),
        ("f", "out.yaml", "mute: example.json is None; expected a file with the body of a request"),
        ("f", "blocked/out.yaml", "blocked"),
    ]:
        arguments = ["--functions", str(tmp_path / functions), "--models", str(tmp_path)]
        done = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / out)])
        assert done.exit_code == 2
        assert done.output.startswith("error: ")
        assert message in done.output
