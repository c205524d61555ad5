"""One instance of the process runtime, asked and timed step by step."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from bench.density.functions import OWNER
from bench.live.place import Place
from executor import events as ev
from executor.actions import Load, Offload, Run, StartInstance
from executor.calls import CallTable, Payload
from executor.domain import Tier
from executor.functions import Package
from executor.proxy.memory import footprints
from executor.proxy.reaper import children
from executor.runtimes.process import ProcessRuntime
from executor.runtimes.protocol import LiveRuntime

PATIENCE_S = 60.0
REQUEST = Payload(json.dumps({"inputs": []}).encode())

_ID = "i1"

Kind = TypeVar("Kind", bound=ev.Event)


class Refused(Exception):
    """The instance has not done what was asked, for the reason given."""


class Instance:
    """An instance at work; made by :func:`instance`."""

    def __init__(self, make: Callable[[CallTable], LiveRuntime], worker: str = "w") -> None:
        self._worker = worker
        self.calls = CallTable()
        self.runtime = make(self.calls)
        self.events: asyncio.Queue[ev.Event] = asyncio.Queue()
        self.evicted: list[str] = []
        self._count = 0

    async def start(self, limit_bytes: int) -> None:
        """Start it."""
        self.runtime.submit(StartInstance(_ID, self._worker, OWNER, limit_bytes))
        await self._next(ev.InstanceReady)

    async def load(self, function: str) -> float:
        """Load a function; return the seconds from order to ready.

        Raises
        ------
        Refused
            If it does not become ready.
        """
        begun_s = time.monotonic()
        self.runtime.submit(Load(_ID, function, Tier.HOST))
        event = await self._next(ev.Loaded, ev.LoadFailed)
        if isinstance(event, ev.LoadFailed):
            raise Refused(event.error)
        return time.monotonic() - begun_s

    async def offload(self, function: str) -> float:
        """Take a function away; return the seconds from order to confirmation."""
        begun_s = time.monotonic()
        self.runtime.submit(Offload(_ID, function))
        await self._next(ev.Offloaded)
        return time.monotonic() - begun_s

    async def call(
        self, function: str, keep: frozenset[str] = frozenset(), body: Payload = REQUEST
    ) -> tuple[float, float]:
        """Call a function; return the seconds from order to inference, and to its end.

        Raises
        ------
        Refused
            If the call ends without an answer.
        """
        begun_s = time.monotonic()
        answer, ended_s = await self._run(function, keep, body)
        return inference_s(answer) - begun_s, ended_s - begun_s

    async def answer(self, function: str, body: Payload) -> float:
        """Call any function; return the seconds from order to its answer."""
        begun_s = time.monotonic()
        _, ended_s = await self._run(function, frozenset(), body)
        return ended_s - begun_s

    async def _run(
        self, function: str, keep: frozenset[str], body: Payload
    ) -> tuple[Payload, float]:
        """Call a function; return its answer, and when it came."""
        self._count += 1
        call = f"c{self._count}"
        self.calls.open(call, body)
        deadline_s = time.monotonic() + PATIENCE_S
        self.runtime.submit(Run(call, _ID, function, Tier.HOST, deadline_s, keep))
        event = await self._next(ev.Completed, ev.Failed)
        ended_s = time.monotonic()
        answer = self.calls.close(call)
        if isinstance(event, ev.Failed) or answer is None:
            raise Refused(getattr(event, "error", "no answer"))
        return answer, ended_s

    async def clear_for(self, function: str, others: int) -> float:
        """Call a function; return the seconds until that many others are confirmed gone."""
        self._count += 1
        call = f"c{self._count}"
        self.calls.open(call, REQUEST)
        begun_s = time.monotonic()
        self.runtime.submit(Run(call, _ID, function, Tier.HOST, begun_s + PATIENCE_S))
        for _ in range(others):
            await self._next(ev.Offloaded)
        gone_s = time.monotonic() - begun_s
        await self._next(ev.Completed)
        self.calls.close(call)
        return gone_s

    async def measured(self) -> None:
        """Wait until the manager has measured its functions, and taken away what is too much."""
        asked_s = time.monotonic()
        while (await self._next(ev.Measured)).at_s < asked_s:
            pass

    def held_bytes(self) -> int:
        """Sum the proportional sets of all processes of the instance.

        Of a container it is what its control group says.
        """
        held = self.runtime.memory_bytes()
        if held:
            return sum(held.values())
        below = footprints(children(os.getpid()))
        return sum(one.proportional_bytes for one in below.values())

    async def _next(self, *kinds: type[Kind]) -> Kind:
        """Return the next event of these kinds; note functions that went unasked."""
        while True:
            event = await asyncio.wait_for(self.events.get(), PATIENCE_S)
            if isinstance(event, kinds):
                return event
            if isinstance(event, ev.Offloaded) and event.error:
                self.evicted.append(event.function)
            if isinstance(event, ev.InstanceGone):
                raise Refused(event.error or "the instance was stopped")


def inference_s(answer: Payload) -> float:
    """Read when a function had its request, on the clock that all processes share."""
    (output,) = json.loads(answer.header)["outputs"]
    return float(output["data"][0])


@asynccontextmanager
async def instance(
    packages: list[Package],
    directory: Path,
    limit_bytes: int,
    *,
    share_libraries: bool,
    snapshots: bool = False,
) -> AsyncIterator[Instance]:
    """Start an instance with nothing loaded, and end it."""
    made = Instance(
        lambda calls: ProcessRuntime(
            {package.function.name: package for package in packages},
            calls,
            time.monotonic,
            directory,
            share_libraries=share_libraries,
            snapshots=snapshots,
        )
    )
    async with _started(made, limit_bytes):
        yield made


@asynccontextmanager
async def container(
    packages: list[Package],
    directory: Path,
    limit_bytes: int,
    *,
    share_libraries: bool,
    engine: str,
) -> AsyncIterator[Instance]:
    """Start an instance as a container of an engine on this machine, and end it."""
    by_name = {package.function.name: package for package in packages}
    place = Place("docker", engine)
    made = Instance(
        lambda calls: place.runtime(by_name, calls, time.monotonic, directory, share_libraries),
        place.worker,
    )
    async with _started(made, limit_bytes):
        yield made


@asynccontextmanager
async def _started(made: Instance, limit_bytes: int) -> AsyncIterator[None]:
    await made.runtime.open(made.events.put_nowait)
    try:
        await made.start(limit_bytes)
        yield
    finally:
        await made.runtime.close()
