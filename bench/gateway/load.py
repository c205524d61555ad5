"""A closed-loop load: each connection sends its next request when it has its answer."""

import asyncio
import time
from typing import cast

import numpy as np
from numpy.typing import NDArray


class Connection(asyncio.Protocol):
    """Sends the same request again and again and keeps the latency of each in seconds."""

    def __init__(self, request: bytes, until_s: float) -> None:
        self.latencies_s: list[float] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._until_s = until_s
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Send the next request once the answer is whole."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < _content_length(head):
            return
        if not head.startswith(b"HTTP/1.1 200 "):
            self.ended.set_exception(RuntimeError(self._received.decode()))
            return
        now_s = time.perf_counter()
        self.latencies_s.append(now_s - self._sent_s)
        self._received = b""
        if now_s < self._until_s:
            self._send()
        else:
            self._transport.close()
            self.ended.set_result(None)

    def _send(self) -> None:
        self._sent_s = time.perf_counter()
        self._transport.write(self._request)


async def latencies_s(
    port: int, request: bytes, connections: int, duration_s: float
) -> NDArray[np.float64]:
    """Load a server on this machine and return the latency of every request, in seconds.

    Raises
    ------
    RuntimeError
        With the answer, when one is not of status 200.
    """
    loop = asyncio.get_running_loop()
    until_s = time.perf_counter() + duration_s
    opened = [
        (await loop.create_connection(lambda: Connection(request, until_s), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(connection.ended for connection in opened))
    return np.concatenate([connection.latencies_s for connection in opened])


def _content_length(head: bytes) -> int:
    return int(head.partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
