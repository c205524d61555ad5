"""Whose users function processes have."""

from pathlib import Path

import pytest

from executor.proxy.cells import UID_COUNT, Cells, Isolation

FIRST = 1_900_000_000


@pytest.fixture(autouse=True)
def _as_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.chown", lambda *_: None)


def cells(folder: Path, count: int = UID_COUNT) -> Cells:
    return Cells(folder, Isolation(users=True, mounts=False, base_uid=FIRST, user_count=count))


def test_users_come_in_turn_but_never_one_that_is_taken(tmp_path: Path) -> None:
    made = cells(tmp_path, 3)
    stays = made.open()
    uids = []
    for _ in range(4):
        cell = made.open()
        uids.append(cell.uid)
        made.close(cell)
    assert stays.uid == FIRST
    assert uids == [FIRST + 1, FIRST + 2, FIRST + 1, FIRST + 2]


def test_when_all_users_are_taken_there_is_no_cell(tmp_path: Path) -> None:
    made = cells(tmp_path, 2)
    first, _ = made.open(), made.open()
    with pytest.raises(OSError, match="all 2 users of the instance are taken"):
        made.open()
    made.close(first)
    assert made.open().uid == first.uid


def test_one_user_may_be_that_of_all(tmp_path: Path) -> None:
    made = cells(tmp_path, 1)
    assert {made.open().uid for _ in range(3)} == {FIRST}
