import sys

import pytest
from typer.testing import CliRunner

from bench.cli import COMMANDS, app


def test_help_names_every_measurement() -> None:
    shown = CliRunner().invoke(app, ["--help"])
    assert shown.exit_code == 0
    assert all(name in shown.output for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_measurement_explains_itself(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.output


def test_an_unknown_measurement_is_refused() -> None:
    assert CliRunner().invoke(app, ["weight"]).exit_code == 2


class TestWithoutTorch:
    @pytest.fixture(autouse=True)
    def without_torch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [one for one in sys.modules if one.startswith("bench.density")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "torch", None)

    def test_what_needs_it_says_so(self) -> None:
        refused = CliRunner().invoke(app, ["density", "--only", "loads"])
        assert refused.exit_code == 2
        assert "torch is not installed; the extra demo brings it" in refused.output

    def test_the_others_work(self) -> None:
        assert CliRunner().invoke(app, ["solver", "--help"]).exit_code == 0
        assert "not installed" in CliRunner().invoke(app, ["--help"]).output
