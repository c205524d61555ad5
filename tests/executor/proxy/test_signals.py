"""That signals reach all they are meant for."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from executor.proxy import linux
from executor.proxy.signals import send_below, send_to_user

USER = 1_900_000_001

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="users of their own take root")


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def forked(fork: Callable[[], int] = os.fork, *, user: int = 0) -> tuple[int, int]:
    """Fork a process, and by it another one that leaves its process group; both wait."""
    reader, writer = os.pipe()
    first = fork()
    if first == 0:
        os.setresuid(user, user, user)
        second = os.fork()
        if second == 0:
            os.setsid()
            os.write(writer, b"x")
        while True:
            signal.pause()
    os.read(reader, 1)
    os.close(reader)
    os.close(writer)
    (second,) = map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())
    return first, second


def end(first: int, second: int) -> None:
    os.kill(second, signal.SIGKILL)
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)


def test_all_processes_of_a_user_are_reached() -> None:
    theirs, others = forked(user=USER), forked(user=USER + 1)
    try:
        send_to_user(USER, signal.SIGSTOP)
        assert [state(pid) for pid in theirs] == ["T", "T"]
        assert "T" not in [state(pid) for pid in others]
        send_to_user(USER, signal.SIGCONT)
        assert "T" not in [state(pid) for pid in theirs]
    finally:
        end(*theirs)
        end(*others)


def test_a_user_without_processes_is_none_to_send_to() -> None:
    send_to_user(USER, signal.SIGSTOP)


def test_all_in_a_set_of_ids_are_reached_but_the_first() -> None:
    first, second = forked(linux.fork_first)
    try:
        send_below(first, signal.SIGSTOP)
        assert (state(first), state(second)) == ("S", "T")
        send_below(first, signal.SIGCONT)
        assert state(second) != "T"
    finally:
        end(first, second)
