"""Speaks with the clients of an instance: requests in, outcomes out, in frames on a Unix socket.

A request is a frame whose ``op`` is ``load``, ``offload``, ``run``, ``cancel``, ``status`` or
``shutdown``. Every client hears every outcome; ``status`` is answered to who asked.
"""

import asyncio
from typing import Any

from .dialects import Payload
from .manager import Manager
from .outcomes import AnswerPart, Completed, Failed, LoadFailed, Outcome, Up, to_header
from .process import Nursery
from .residency import Need, Tier
from .sdk.headstart.frames import Decoder, Frame, pack
from .spec import Spec

START_S = 60.0
"""The first client must come within this time."""


class BadRequest(Exception):
    """A client's frame is not a request that this instance can serve."""


class Server:
    """The clients of one instance, whose functions all belong to ``owner``.

    An instance that nobody has been connected to for ``grace_s`` stops, so that none outlives for
    ever a server that was killed; until then another server may take it over.
    """

    def __init__(
        self, owner: str, limit_bytes: int, base_bytes: int, nursery: Nursery, grace_s: float
    ) -> None:
        self.manager = Manager(limit_bytes, base_bytes, nursery, self._tell)
        self._owner = owner
        self._up = Up(base_bytes, nursery.cells.isolation.describe())
        self._connections: set[Connection] = set()
        self._grace_s = grace_s
        self._end = self._end_after(max(grace_s, START_S))

    def connected(self, connection: "Connection") -> None:
        """Take in a client."""
        self._end.cancel()
        self._connections.add(connection)
        connection.send(pack(to_header(self._up)))

    def disconnected(self, connection: "Connection") -> None:
        """Let a client go."""
        self._connections.discard(connection)
        if not self._connections:
            self._end = self._end_after(self._grace_s)

    def requested(self, connection: "Connection", frame: Frame) -> None:
        """Serve a request.

        Raises
        ------
        BadRequest
            If it is none.
        """
        header = frame.header
        try:
            self._serve(connection, header, frame.tail)
        except (KeyError, TypeError, ValueError) as error:
            raise BadRequest(f"{header.get('op')!r} request: {error!r}") from error

    def _end_after(self, delay_s: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(delay_s, self.manager.stop)

    def _serve(self, connection: "Connection", header: dict[str, Any], tail: memoryview) -> None:
        match header["op"]:
            case "load":
                self._load(Spec.read(header["spec"]), header)
            case "offload":
                self.manager.offload(header["function"])
            case "run":
                self._run(Spec.read(header["spec"]), header, tail)
            case "cancel":
                self.manager.cancel(header["call"])
            case "status":
                status = {"event": "Status", "id": header["id"], **self.manager.status()}
                connection.send(pack(status))
            case "shutdown":
                self.manager.stop()
            case op:
                raise ValueError(f"unknown op {op!r}")

    def _load(self, spec: Spec, header: dict[str, Any]) -> None:
        if spec.owner != self._owner:
            self._tell(LoadFailed(spec.name, self._refusal(spec), blame=False), None)
        else:
            self.manager.load(spec, _need(spec, header), Tier(header["tier"]))

    def _run(self, spec: Spec, header: dict[str, Any], tail: memoryview) -> None:
        if spec.owner != self._owner:
            self._tell(Failed(header["call"], "load", self._refusal(spec)), None)
            return
        size = header["header_size"]
        self.manager.run(
            header["call"],
            spec,
            Payload(tail[:size], tail[size:]),
            keep=frozenset(header["keep"]),
            need=_need(spec, header),
            tier=Tier(header["tier"]),
            timeout_s=header["timeout_s"],
        )

    def _refusal(self, spec: Spec) -> str:
        return f"{spec.name} belongs to {spec.owner}, the instance to {self._owner}"

    def _tell(self, outcome: Outcome, answer: Payload | None) -> None:
        header = to_header(outcome)
        if isinstance(outcome, Completed | AnswerPart) and answer is not None:
            header["header_size"] = len(answer.header)
            data = pack(header, answer.header, answer.binary)
        else:
            data = pack(header)
        for connection in self._connections:
            connection.send(data)


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._decoder = Decoder()

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self._transport.write(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note that it is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connected(self)

    def data_received(self, data: bytes) -> None:
        """Cut what comes in into requests; a client that sends anything else is sent away."""
        try:
            for frame in self._decoder.feed(data):
                self._server.requested(self, frame)
        except (BadRequest, ValueError) as error:
            self.send(pack({"event": "Refused", "error": str(error)}))
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's protocol
        """Note that it is gone."""
        self._server.disconnected(self)


def _need(spec: Spec, header: dict[str, Any]) -> Need:
    return Need(header["memory_bytes"], spec.library, header["library_bytes"])
