"""Takes over an instance that another server has started: first it asks what is in it."""

import asyncio
from typing import Any, TypeAlias

from executor import events as ev
from executor.actions import StartInstance
from executor.calls import Calls
from executor.clock import Clock
from executor.domain import Instance, InstanceState, Residency, ResidencyState, Tier
from executor.proxy.residency import State
from executor.proxy.sdk.headstart.frames import Frame
from executor.runtimes.client import ProxyClient
from executor.runtimes.protocol import Sink
from executor.runtimes.specs import Specs

Answer: TypeAlias = tuple[Instance, dict[str, ev.LoadReport]]
"""An instance, and by function what the loads of its residents took."""

_STATES = {
    State.LOADING: ResidencyState.LOADING,
    State.READY: ResidencyState.READY,
    State.MOVING: ResidencyState.MOVING,
    State.SETTLING: ResidencyState.READY,
    State.OFFLOADING: ResidencyState.OFFLOADING,
}


class AdoptingClient(ProxyClient):
    """The connection to a manager that another server has left.

    A call that runs in the instance has no caller any more, so it is ended. Until that is
    confirmed no event is given out: what has happened is in the next status.

    Attributes
    ----------
    found
        Done when all is known.
    """

    def __init__(
        self, start: StartInstance, specs: Specs, calls: Calls, clock: Clock, sink: Sink
    ) -> None:
        super().__init__(start.instance_id, specs, calls, clock, sink)
        loop = asyncio.get_running_loop()
        self.found: asyncio.Future[Answer] = loop.create_future()
        self._start = start
        self._cancelled: str | None = None

    def _received(self, frame: Frame) -> None:
        if self.found.done():
            super()._received(frame)
            return
        match frame.header:
            case {"event": "Up", "base_bytes": base_bytes}:
                self.up = ev.InstanceReady(self._clock(), self.instance_id, base_bytes)
                self._ask()
            case {"event": "Status", "call": None} as status:
                self.found.set_result(self._take_in(status))
            case {"event": "Status", "call": call}:
                self._cancelled = call
                self._send({"op": "cancel", "call": call})
            case {"event": "Completed" | "Failed", "call": call} if call == self._cancelled:
                self._ask()

    def _ask(self) -> None:
        self._send({"op": "status", "id": self.instance_id})

    def _take_in(self, status: dict[str, Any]) -> Answer:
        residencies, reports = {}, {}
        for function, held in status["residencies"].items():
            state, tier = _STATES[State(held.pop("state"))], Tier(held.pop("tier"))
            reports[function] = report = ev.LoadReport(**held)
            gpu_bytes = self._specs.gpu_bytes(function, tier)
            residencies[function] = Residency(function, tier, state, report.memory_bytes, gpu_bytes)
        loaded = {
            function: report
            for function, report in reports.items()
            if residencies[function].state is ResidencyState.READY
        }
        for function, report in loaded.items():
            self._specs.learn(function, residencies[function].tier, report)
        return self._instance(residencies, status["libraries"]), loaded

    def _instance(self, residencies: dict[str, Residency], libraries: dict[str, int]) -> Instance:
        assert self.up is not None
        start = self._start
        return Instance(
            id=start.instance_id,
            worker=start.worker,
            owner=start.owner,
            function=start.function,
            limit_bytes=start.limit_bytes,
            state=InstanceState.IDLE,
            since_s=self._clock(),
            base_bytes=self.up.base_bytes,
            residencies=residencies,
            libraries=libraries,
            gpu=start.gpu,
        )
