"""Signals to all processes of a function at once, which none escapes by forking meanwhile."""

import errno
import os
from signal import Signals

from . import linux

_ALL = -1
"""As a process id: all that may be sent to, but the first and oneself (kill(2))."""

_NOBODY_THERE = (errno.ESRCH, errno.ENOMEM)
"""There is none to send to; a set of process ids whose first has died lets nobody in
(pid_namespaces(7))."""


def send_to_user(user: int, number: Signals) -> None:
    """Send a signal to all processes of a user that is not root.

    Raises
    ------
    OSError
        If it could not be sent.
    """

    def send() -> None:
        os.setresuid(user, user, user)
        os.kill(_ALL, number)

    _check(linux.try_in_child(send))


def send_below(first: int, number: Signals) -> None:
    """Send a signal to all in the set of process ids of which a process is the first, but to it.

    Raises
    ------
    OSError
        If it could not be sent.
    """
    ids = os.open(f"/proc/{first}/ns/pid", os.O_RDONLY)

    def send() -> None:
        linux.join_namespace(ids, linux.CLONE_NEWPID)
        _check(linux.try_in_child(lambda: os.kill(_ALL, number)))

    try:
        _check(linux.try_in_child(send))
    finally:
        os.close(ids)


def _check(error: int) -> None:
    if error and error not in _NOBODY_THERE:
        raise OSError(error, os.strerror(error))
