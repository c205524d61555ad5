"""The few system calls that the standard library does not wrap (man 2 prctl, unshare, mount)."""

import ctypes
import os

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

CLONE_NEWNS = 0x0002_0000
CLONE_NEWIPC = 0x0800_0000

_MS_BIND = 0x1000
_MS_REC = 0x4000
_MS_PRIVATE = 0x4_0000

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(signal: int) -> None:
    """Have this process get ``signal`` when its parent dies; undone by a change of user."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0), "prctl")


def adopt_orphans() -> None:
    """Become the parent of all descendants whose own parent dies."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def forbid_new_privileges() -> None:
    """Make set-user-ID programs and file capabilities void from here on."""
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def leave_namespaces(flags: int) -> None:
    """Move this process into new namespaces."""
    _check(_libc.unshare(flags), "unshare")


def make_mounts_private() -> None:
    """Keep what is mounted from here on from reaching other mount namespaces."""
    _check(_libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None), "mount /")


def mount_memory(target: str, limit_bytes: int) -> None:
    """Mount an empty file system that lives in memory."""
    options = f"mode=755,size={limit_bytes}".encode()
    result = _libc.mount(b"tmpfs", os.fsencode(target), b"tmpfs", 0, options)
    _check(result, f"mount tmpfs on {target}")


def bind_mount(source: str, target: str) -> None:
    """Show ``source`` at ``target``."""
    flags = _MS_BIND | _MS_REC
    name = f"mount {source} on {target}"
    _check(_libc.mount(os.fsencode(source), os.fsencode(target), None, flags, None), name)


def _check(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
