"""How the server reaches the manager in a container: its Unix socket, or a relay's stream."""

import asyncio
import select
import socket
import struct
import threading
from contextlib import suppress
from pathlib import Path
from ssl import SSLSocket

from executor.runtimes import sockets
from executor.runtimes.client import ProxyClient

_CHUNK_BYTES = 1 << 18
_RETRY_S = 0.005
_HEADER = struct.Struct(">BxxxL")
"""Before each piece of an attached stream: its number and length (Engine API, "attach")."""


async def connect_here(folder: Path, client: ProxyClient) -> None:
    """Connect to the manager's socket in a folder as soon as it listens."""
    while True:
        try:
            await sockets.connect(folder, client)
        except (FileNotFoundError, ConnectionRefusedError):
            await asyncio.sleep(_RETRY_S)
        else:
            return


async def connect_there(stream: socket.socket, client: ProxyClient) -> None:
    """Connect to a manager through its relay."""
    ours, theirs = socket.socketpair()
    await asyncio.get_running_loop().create_unix_connection(lambda: client, sock=ours)
    threading.Thread(target=_pump, args=(theirs, stream), daemon=True, name="docker-relay").start()


def _pump(local: socket.socket, stream: socket.socket) -> None:
    """Pass on in both directions until either side ends; one thread, for TLS allows no more."""
    pieces = Pieces()
    with local, stream, suppress(OSError):
        while True:
            if not (isinstance(stream, SSLSocket) and stream.pending()):
                ready, _, _ = select.select([local, stream], [], [])
                if local in ready:
                    data = local.recv(_CHUNK_BYTES)
                    if not data:
                        return
                    stream.sendall(data)
                if stream not in ready:
                    continue
            data = stream.recv(_CHUNK_BYTES)
            if not data:
                return
            local.sendall(pieces.feed(data))


class Pieces:
    """Takes the headers out of an attached stream."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._left_bytes = 0

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes and return what they carry."""
        carried, rest = bytearray(), memoryview(data)
        while rest:
            if self._left_bytes:
                piece = rest[: self._left_bytes]
                carried += piece
                self._left_bytes -= len(piece)
            else:
                piece = rest[: _HEADER.size - len(self._header)]
                self._header += piece
                if len(self._header) == _HEADER.size:
                    self._left_bytes = _HEADER.unpack(self._header)[1]
                    self._header.clear()
            rest = rest[len(piece) :]
        return bytes(carried)
