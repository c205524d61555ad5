"""Objects between two processes over a socket, each side with a time limit."""

import pickle
import socket
import struct
from typing import Any, Final

from solver.deadline import Deadline

_LENGTH: Final = struct.Struct("!Q")
_CHUNK_BYTES: Final = 2**20


class ChannelBroken(Exception):
    """The other side has ended, or what it sent is no message."""


class Channel:
    """One end of a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = bytearray()

    def send(self, message: object, limit_s: float | None = None) -> None:
        """Send a message.

        Raises
        ------
        ChannelBroken
            When the other side has ended, or does not take the message within the limit: half a
            message leaves the channel useless.
        """
        body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        self._connection.settimeout(limit_s)
        try:
            self._connection.sendall(_LENGTH.pack(len(body)) + body)
        except OSError as error:
            raise ChannelBroken(f"nothing can be sent: {error}") from error

    def receive(self, limit_s: float | None = None) -> Any:
        """Return the next message; with a limit of 0 or less, one that has come already.

        Raises
        ------
        TimeoutError
            When the limit passes; what has come by then is kept for the next call.
        ChannelBroken
            When the other side has ended, or what it sent is no message.
        """
        deadline = None if limit_s is None else Deadline(limit_s)
        (length,) = _LENGTH.unpack(self._first(_LENGTH.size, deadline))
        body = self._first(_LENGTH.size + length, deadline)[_LENGTH.size :]
        del self._received[: _LENGTH.size + length]
        try:
            return pickle.loads(body)  # noqa: S301 (both ends are ours)
        except Exception as error:
            raise ChannelBroken(f"no message: {error}") from error

    def _first(self, size: int, deadline: Deadline | None) -> bytes:
        """Return the first bytes received, once there are as many."""
        while len(self._received) < size:
            self._connection.settimeout(None if deadline is None else deadline.left_s)
            try:
                part = self._connection.recv(_CHUNK_BYTES)
            except (TimeoutError, BlockingIOError) as error:
                raise TimeoutError("no message within the limit") from error
            except OSError as error:
                raise ChannelBroken(f"nothing can be received: {error}") from error
            if not part:
                raise ChannelBroken("the other side has ended")
            self._received += part
        return bytes(self._received[:size])
