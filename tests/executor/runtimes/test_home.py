import os
from pathlib import Path

import pytest

from executor.errors import PermanentFailure
from executor.runtimes.home import home


class Failed(Exception):
    """What ends a server early."""


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """Return the folder of a server that was killed."""
    folder = tmp_path / "x-left"
    (folder / "i1").mkdir(parents=True)
    return folder


def test_a_new_home_goes_in_the_end(tmp_path: Path) -> None:
    with home(tmp_path, "x-") as own:
        assert own.folder == tmp_path / f"x-{own.name}"
        assert own.folder.is_dir()
        assert not own.abandoned
    assert not list(tmp_path.iterdir())


def test_the_home_of_a_server_that_lives_is_left_alone(tmp_path: Path) -> None:
    with home(tmp_path, "x-") as one, home(tmp_path, "x-") as other:
        assert one.folder != other.folder


def test_the_home_of_a_killed_server_is_taken_over_with_its_name(left: Path) -> None:
    with home(left.parent, "x-") as own:
        assert (own.folder, own.name) == (left, "left")
        assert (own.folder / "i1").is_dir()
    assert not left.exists()


def test_a_server_that_fails_leaves_what_it_took_over(left: Path) -> None:
    with pytest.raises(Failed), home(left.parent, "x-"):
        raise Failed
    assert (left / "i1").is_dir()


def test_of_several_the_last_used_is_taken_over(left: Path) -> None:
    older = left.parent / "x-older"
    older.mkdir()
    (older / "lock").touch()
    os.utime(older, (0, 0))
    with home(left.parent, "x-") as own:
        assert own.folder == left
        assert own.abandoned == (older,)


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    failure = pytest.raises(
        PermanentFailure, match=r"state: .*/file/x-.* cannot be made: Not a dir"
    )
    with failure, home(tmp_path / "file", "x-"):
        pass
