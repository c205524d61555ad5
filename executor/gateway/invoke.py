"""The infer path: bare ASGI from the bytes of a request to the bytes of its answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Receive, Scope, Send

from executor.clock import Clock
from executor.errors import HeadstartError, Rejected
from executor.functions import Package
from executor.gateway.answers import HEADER_LENGTH, send_error, send_reply
from executor.gateway.backend import Backend, Reply
from executor.gateway.body import ClientGone, read_body
from executor.gateway.errors import (
    INTERNAL_ERROR,
    RETRY_S,
    ClientError,
    error_headers,
    status_of,
)
from executor.gateway.event_stream import EventStream, wants_events
from executor.gateway.in_flight import InFlight
from executor.gateway.metrics import CallMetrics
from executor.gateway.models import find
from executor.gateway.request import InferRequest, read_infer_request

CLIENT_GONE = 499
"""How a call without a client is counted (a habit of nginx; it is never sent)."""


@dataclass(frozen=True, slots=True)
class InferPath:
    """Which model a path calls."""

    model: str
    version: str | None


def infer_path(path: str) -> InferPath | None:
    """Read the path of an inference request; None when it is none."""
    match path.split("/"):
        case ["", "v2", "models", model, "infer"]:
            return InferPath(model, None)
        case ["", "v2", "models", model, "versions", version, "infer"]:
            return InferPath(model, version)
        case _:
            return None


class Invoke:
    """Takes inference requests to the backend and brings back what comes of them."""

    def __init__(
        self,
        backend: Backend,
        in_flight: InFlight,
        metrics: CallMetrics,
        clock: Clock,
        body_limit_bytes: int,
    ) -> None:
        self._backend = backend
        self._in_flight = in_flight
        self._metrics = metrics
        self._clock = clock
        self._body_limit_bytes = body_limit_bytes

    async def __call__(self, path: InferPath, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; every outcome is an answer, unless its client went away."""
        begun_s = self._clock()
        known = path.model if path.model in self._backend.packages() else ""
        events = None
        if wants_events(dict(scope["headers"])):
            events = EventStream(send, self._body_limit_bytes)
        try:
            reply = await self._reply(path, scope, receive, events)
        except ClientGone:
            self._metrics.failed(known, CLIENT_GONE)
        except HeadstartError as error:
            status = status_of(error)
            self._metrics.failed(known, status)
            await _refuse(send, events, status, str(error), error_headers(error))
        except Exception:
            self._metrics.failed(known, 500)
            await _refuse(send, events, 500, INTERNAL_ERROR, {})
            raise
        else:
            self._metrics.served(known, reply.outcome, self._clock() - begun_s)
            if events is None:
                await send_reply(send, reply)
        finally:
            if events is not None:
                events.abandon()

    async def _reply(
        self, path: InferPath, scope: Scope, receive: Receive, events: EventStream | None
    ) -> Reply:
        if scope["method"] != "POST":
            raise ClientError(
                f"{scope['method']} is not allowed here; expected POST", 405, {"allow": "POST"}
            )
        package = find(self._backend, path.model, path.version)
        request = await self._read(package, scope, receive)
        if self._in_flight.closing:
            raise _stopping()
        reply = await self._call(path.model, request, receive, events)
        if events is not None:
            await events.finish(reply)
        return reply

    async def _read(self, package: Package, scope: Scope, receive: Receive) -> InferRequest:
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        body = await read_body(receive, headers, self._body_limit_bytes)
        return read_infer_request(body, headers.get(HEADER_LENGTH), package)

    async def _call(
        self, function: str, request: InferRequest, receive: Receive, events: EventStream | None
    ) -> Reply:
        """Await the backend's answer, or withdraw the call when its client goes away first."""
        on_part = None if events is None else events.put
        call = self._in_flight.start(
            self._backend.call(function, request.payload, request.timeout_s, on_part)
        )
        gone = asyncio.ensure_future(_disconnected(receive))
        ends: set[asyncio.Future[Any]] = {call, gone}
        if events is not None:
            ends.add(events.refused)
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if events is not None and events.refused.done():
                events.refused.result()
            if call.cancelled():
                raise _stopping()
            if not call.done():
                raise ClientGone
            return call.result()
        finally:
            gone.cancel()
            call.cancel()


async def _refuse(
    send: Send, events: EventStream | None, status: int, error: str, extra: Mapping[str, str]
) -> None:
    """Say what went wrong: with a status, or behind the parts of an answer that has begun."""
    if events is not None and events.begun:
        await events.fail(error)
    else:
        await send_error(send, status, error, extra)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _stopping() -> Rejected:
    return Rejected("the server is stopping", RETRY_S)
