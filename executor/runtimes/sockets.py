"""The sockets of managers, each in a folder that only the server may enter.

The folder's descriptor stands for its path, which may be longer than a socket's may be.
"""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from executor.runtimes.client import ProxyClient

_BACKLOG = 8


def listen(folder: Path) -> socket.socket:
    """Listen in a folder that is made for it."""
    folder.mkdir(mode=0o700)
    listening = socket.socket(socket.AF_UNIX)
    with _socket_in(folder) as path:
        listening.bind(path)
    listening.listen(_BACKLOG)
    return listening


async def connect(folder: Path, client: ProxyClient) -> None:
    """Connect to the manager that listens in a folder.

    Raises
    ------
    FileNotFoundError, ConnectionRefusedError
        If none does.
    """
    with _socket_in(folder) as path:
        await asyncio.get_running_loop().create_unix_connection(lambda: client, path)


@contextmanager
def _socket_in(folder: Path) -> Iterator[str]:
    descriptor = os.open(folder, os.O_PATH)
    try:
        yield f"/proc/self/fd/{descriptor}/socket"
    finally:
        os.close(descriptor)
