"""Errors that users can mend."""

import pytest
import typer

from bench.refusals import told_in_a_line


def test_a_known_error_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, told_in_a_line(KeyError, OSError):
        raise OSError("[no] such folder")
    assert ended.value.exit_code == 2
    assert capsys.readouterr().err == "error: [no] such folder\n"


def test_others_pass() -> None:
    with pytest.raises(KeyError), told_in_a_line(OSError):
        raise KeyError("bug")
