"""Answers in parts, as server-sent events (HTML Living Standard, section 9.2)."""

import asyncio
import json
from collections.abc import Mapping

from starlette.types import Send

from executor.actions import Served
from executor.calls import Payload
from executor.gateway.answers import outcome_headers
from executor.gateway.backend import Reply
from executor.gateway.errors import ClientError, error_body

CONTENT_TYPE = b"text/event-stream"


def wants_events(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a client has asked for an answer in parts."""
    return CONTENT_TYPE in headers.get(b"accept", b"")


class EventStream:
    """Sends the parts of one answer as they come; the response begins with the first.

    Parameters
    ----------
    limit_bytes
        Of what the client has not taken yet.

    Attributes
    ----------
    begun
        Whether there was a part, so that the response has its status.
    refused
        Gets an exception when a part cannot be sent.
    """

    def __init__(self, send: Send, limit_bytes: int) -> None:
        self.begun = False
        self.refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._send = send
        self._limit_bytes = limit_bytes
        self._waiting_bytes = 0
        self._events: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._pump = asyncio.create_task(self._send_all())

    def put(self, part: Payload) -> None:
        """Take a part."""
        event = _event(part.header)
        self._waiting_bytes += len(event)
        if part.binary:
            self._refuse("binary tensors do not go with text/event-stream; ask for none")
        elif self._waiting_bytes > self._limit_bytes:
            self._refuse(f"the client is {self._waiting_bytes} bytes behind")
        else:
            self.begun = True
            self._events.put_nowait(event)

    async def finish(self, reply: Reply) -> None:
        """Send what is left, and how the answer came about."""
        if reply.payload.header:
            self.put(reply.payload)
            if self.refused.done():
                self.refused.result()
        await self._end(b"event: end\n" + _event(json.dumps(_told(reply.outcome)).encode()))

    async def fail(self, message: str) -> None:
        """Send what is left, and what went wrong."""
        await self._end(b"event: error\n" + _event(error_body(message)))

    def abandon(self) -> None:
        """Send no more."""
        self._pump.cancel()
        self.refused.cancel()

    async def _end(self, event: bytes) -> None:
        self._events.put_nowait(event)
        self._events.put_nowait(None)
        await self._pump
        await self._send({"type": "http.response.body", "body": b""})

    async def _send_all(self) -> None:
        event = await self._events.get()
        headers = [(b"content-type", CONTENT_TYPE), (b"cache-control", b"no-store")]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        while event is not None:
            await self._send({"type": "http.response.body", "body": event, "more_body": True})
            self._waiting_bytes -= len(event)
            event = await self._events.get()

    def _refuse(self, message: str) -> None:
        if not self.refused.done():
            self.refused.set_exception(ClientError(message))


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


def _told(outcome: Served) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in outcome_headers(outcome)}
