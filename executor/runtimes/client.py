"""Speaks with the manager of one instance: actions become its requests, its outcomes events."""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any, cast

from executor import events as ev
from executor.actions import CancelRun, Load, Offload, Run
from executor.calls import Calls, Payload
from executor.clock import Clock
from executor.domain import Tier
from executor.proxy.sdk.headstart.frames import Decoder, Frame, pack
from executor.runtimes.protocol import Sink
from executor.runtimes.specs import Specs

_LOG = logging.getLogger(__name__)


class ProxyClient(asyncio.Protocol):
    """The connection to an instance's manager; what is sent before it stands waits for it.

    Parameters
    ----------
    instance_id
        For the events.
    specs
        What to tell the manager of each function.
    lost
        Done when the connection is closed.
    """

    def __init__(
        self, instance_id: str, specs: Specs, calls: Calls, clock: Clock, sink: Sink
    ) -> None:
        self.instance_id = instance_id
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.up: ev.InstanceReady | None = None
        self._specs = specs
        self._calls = calls
        self._clock = clock
        self._sink = sink
        self._decoder = Decoder()
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []

    def submit(self, action: Load | Offload | Run | CancelRun) -> None:
        """Ask for something; the body of a call is read from the open calls now."""
        match action:
            case Load(function=function, tier=tier):
                self._load(function, tier)
            case Offload(function=function):
                self._send({"op": "offload", "function": function})
            case Run():
                self._run(action)
            case CancelRun(invocation_id=call):
                self._send({"op": "cancel", "call": call})

    def shut_down(self) -> None:
        """Ask for the end of the instance."""
        self._send({"op": "shutdown"})

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what has waited for the connection."""
        self._transport = cast("asyncio.Transport", transport)
        for data in self._unsent:
            self._transport.write(data)
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        """Turn what comes in into events."""
        for frame in self._decoder.feed(data):
            self._received(frame)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's protocol
        """Note that nothing more will come."""
        self.lost.set_result(None)

    def _send(self, header: dict[str, Any], *tail: bytes) -> None:
        """Send, unless the manager is dead: the end of its instance answers all that is open."""
        data = pack(header, *tail)
        if self._transport is None:
            self._unsent.append(data)
        elif not self._transport.is_closing():
            self._transport.write(data)

    def _load(self, function: str, tier: Tier) -> None:
        if tier is Tier.LIBRARY:
            self._load_failed(function, f"this runtime has no tier {tier}", blame=False)
        else:
            self._send({"op": "load", "tier": tier, **self._specs.of(function, tier)})

    def _run(self, run: Run) -> None:
        try:
            request = self._calls.request(run.invocation_id)
        except KeyError:
            error = "the call is no longer open"
            self._failed(run.invocation_id, ev.FailureKind.CANCELLED, error)
            return
        header = {
            "op": "run",
            "call": run.invocation_id,
            "keep": sorted(run.keep),
            "timeout_s": max(0.0, run.deadline_s - self._clock()),
            "header_size": len(request.header),
            "tier": run.tier,
            **self._specs.of(run.function, run.tier),
        }
        self._send(header, request.header, request.binary)

    def _received(self, frame: Frame) -> None:
        match frame.header:
            case {"event": "Up", "base_bytes": base_bytes}:
                self.up = ev.InstanceReady(self._clock(), self.instance_id, base_bytes)
                self._sink(self.up)
            case {"event": "Loaded", "function": function, "tier": tier, "report": report}:
                self._loaded(function, Tier(tier), _report(report))
            case {"event": "LoadFailed", "function": function, "error": error, "blame": blame}:
                self._load_failed(function, error, blame=blame)
            case {"event": "Offloaded", "function": function, "error": error}:
                self._offloaded(function, error)
            case {"call": str(call)}:
                self._of_call(call, frame)
            case {"event": "SnapshotFailed", "function": function, "error": error}:
                _LOG.warning(
                    "instance %s: no snapshot of %s, it is loaded without: %s",
                    self.instance_id,
                    function,
                    error,
                )
            case {"event": "Measured", "memory_bytes": functions, "library_bytes": libraries}:
                self._sink(ev.Measured(self._clock(), self.instance_id, functions, libraries))
            case header:
                raise ValueError(f"instance {self.instance_id} said {json.dumps(header)}")

    def _of_call(self, call: str, frame: Frame) -> None:
        match frame.header:
            case {"event": "Started", "function": function, **more}:
                self._started(call, function, Tier(more["tier"]), more["report"])
            case {"event": "AnswerPart", "header_size": size}:
                self._calls.part(call, _payload(frame.tail, size))
            case {"event": "Completed", "header_size": size}:
                self._completed(call, _payload(frame.tail, size))
            case {"event": "Failed", "kind": kind, "error": error}:
                self._failed(call, ev.FailureKind(kind), error)
            case header:
                raise ValueError(f"instance {self.instance_id} said {json.dumps(header)}")

    def _loaded(self, function: str, tier: Tier, report: ev.LoadReport) -> None:
        self._specs.learn(function, tier, report)
        self._sink(ev.Loaded(self._clock(), self.instance_id, function, tier, report))

    def _load_failed(self, function: str, error: str, *, blame: bool) -> None:
        self._sink(ev.LoadFailed(self._clock(), self.instance_id, function, error, blame))

    def _offloaded(self, function: str, error: str | None) -> None:
        self._sink(ev.Offloaded(self._clock(), self.instance_id, function, error))

    def _started(
        self, call: str, function: str, tier: Tier, values: Mapping[str, Any] | None
    ) -> None:
        report = _report(values) if values is not None else None
        if report is not None:
            self._specs.learn(function, tier, report)
        self._sink(ev.Started(self._clock(), call, self.instance_id, report, tier))

    def _completed(self, call: str, answer: Payload) -> None:
        self._calls.answer(call, answer)
        self._sink(ev.Completed(self._clock(), call, self.instance_id))

    def _failed(self, call: str, kind: ev.FailureKind, error: str) -> None:
        self._sink(ev.Failed(self._clock(), call, self.instance_id, kind, error))


def _payload(tail: memoryview, header_size: int) -> Payload:
    return Payload(bytes(tail[:header_size]), bytes(tail[header_size:]))


def _report(values: Mapping[str, Any]) -> ev.LoadReport:
    return ev.LoadReport(**values)
