"""Which children there are."""

import os
import signal
from threading import Event, Thread

from executor.proxy.reaper import children, parents


def fork_that_waits() -> int:
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    return pid


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_dead_child_is_listed_until_it_is_reaped() -> None:
    pid = fork_that_waits()
    try:
        assert pid in children(os.getpid())
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert pid in children(os.getpid())
    finally:
        end(pid)
    assert pid not in children(os.getpid())


def test_children_of_other_threads_are_listed() -> None:
    forked: list[int] = []
    there, done = Event(), Event()

    def fork() -> None:
        forked.append(fork_that_waits())
        there.set()
        done.wait()

    thread = Thread(target=fork)
    thread.start()
    there.wait()
    try:
        own = os.getpid()
        assert set(children(own)) == {child for child, parent in parents() if parent == own}
        assert forked[0] in children(own)
    finally:
        done.set()
        thread.join()
        end(forked[0])
