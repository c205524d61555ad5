"""The few system calls that the standard library does not wrap, and ways to fork.

See prctl(2), unshare(2), setns(2), mount(2), capset(2).
"""

import ctypes
import os
import struct
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2

CLONE_NEWNS = 0x0002_0000
CLONE_NEWIPC = 0x0800_0000
CLONE_NEWPID = 0x2000_0000

_CAPABILITY_VERSION_3 = 0x2008_0522

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


def join_namespace(descriptor: int, kind: int) -> None:
    """Move this process, or of ``CLONE_NEWPID`` its next children, into a namespace."""
    _check(_libc.setns(descriptor, kind), "setns")


def fork_first() -> int:
    """Fork a process that is the first of a new set of process ids; else like ``os.fork``."""
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    leave_namespaces(CLONE_NEWPID)
    pid = -1
    try:
        pid = os.fork()
    finally:
        if pid != 0:
            join_namespace(own, CLONE_NEWPID)
        os.close(own)
    return pid


def try_in_child(attempt: Callable[[], None]) -> int:
    """Try something in a process of its own and return its errno, 0 if it went well."""
    pid = os.fork()
    if pid == 0:
        try:
            attempt()
        except OSError as error:
            os._exit(error.errno or 255)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def become_with_capabilities(uid: int) -> None:
    """Take on a user and its group for good, and keep, also in programs, all that root may do."""
    _check(_libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl")
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    sets = ctypes.create_string_buffer(struct.calcsize("6I"))
    _check(_libc.capget(header, sets), "capget")
    _, low, _, _, high, _ = struct.unpack("6I", sets.raw)
    _check(_libc.capset(header, struct.pack("6I", low, low, low, high, high, high)), "capset")
    permitted = high << 32 | low
    for number in range(permitted.bit_length()):
        if permitted >> number & 1:
            raised = _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, number, 0, 0)
            _check(raised, f"prctl: capability {number}")


def mount_processes() -> None:
    """Show in ``/proc`` the processes of this process's own set of ids."""
    _check(_libc.mount(b"proc", b"/proc", b"proc", 0, None), "mount /proc")


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
