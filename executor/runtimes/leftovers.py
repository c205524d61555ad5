"""Finds and ends processes that outlived the manager of their instance, by their environment.

The manager's processes inherit a variable, ``MARK``, whose value is the instance's folder.
"""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from executor.proxy.keeper import MARK


async def remove(folder: Path) -> None:
    """Kill all processes of an instance and wait until they are dead."""
    while pids := list(marked(folder)):
        await asyncio.gather(*(_kill(pid) for pid in pids))


async def death(pid: int) -> None:
    """Wait until a process is dead; one that is not there is."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    dead = asyncio.Event()
    loop.add_reader(descriptor, dead.set)
    try:
        await dead.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    await death(pid)


def marked(folder: Path) -> Iterator[int]:
    """List the processes of an instance."""
    mark = f"{MARK}={folder}\0".encode()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                if mark in Path(entry.path, "environ").read_bytes():
                    yield int(entry.name)
