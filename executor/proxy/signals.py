"""Signals to all processes of a function at once, which none escapes by forking meanwhile."""

import os
from collections.abc import Callable
from contextlib import suppress
from signal import Signals

from . import linux

_ALL = -1
"""As a process id: all that may be sent to, but the first and oneself (kill(2))."""


def send_to_user(user: int, number: Signals) -> None:
    """Send a signal to all processes of a user that is not root."""

    def send() -> None:
        os.setresuid(user, user, user)
        os.kill(_ALL, number)

    _in_child(send)


def send_below(first: int, number: Signals) -> None:
    """Send a signal to all in the set of process ids of which a process is the first, but to it."""
    ids = os.open(f"/proc/{first}/ns/pid", os.O_RDONLY)

    def send() -> None:
        linux.join_namespace(ids, linux.CLONE_NEWPID)
        _in_child(lambda: os.kill(_ALL, number))

    try:
        _in_child(send)
    finally:
        os.close(ids)


def _in_child(send: Callable[[], None]) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            with suppress(ProcessLookupError):
                send()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
