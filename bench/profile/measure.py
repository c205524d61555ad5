"""Loads and calls a function on the process runtime, and keeps the medians of what that took."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import TypeVar

from bench.replay.profiles import ModelCosts
from executor import events as ev
from executor.actions import Run, RuntimeAction, StartInstance, StopInstance
from executor.calls import CallTable, Payload
from executor.clock import Clock
from executor.domain import Tier
from executor.functions import Package
from executor.runtimes.process import ProcessRuntime
from executor.units import MIB

Kind = TypeVar("Kind", bound=ev.Event)

CALL_TIMEOUT_S = 120.0


class CallFailed(Exception):
    """The function did not answer its example request; the message says why."""


@dataclass(frozen=True, slots=True)
class _Sample:
    start_s: float
    report: ev.LoadReport
    run_s: float
    memory_bytes: int


class Laboratory:
    """Runs one function at a time, each in an instance of its own that nothing shares.

    Parameters
    ----------
    packages
        The functions.
    clock
        Time of what is measured.
    directory
        Instances keep their files below it.
    """

    def __init__(self, packages: dict[str, Package], clock: Clock, directory: Path) -> None:
        self._packages = packages
        self._clock = clock
        self._calls = CallTable()
        self._events: asyncio.Queue[ev.Event] = asyncio.Queue()
        self._numbers = count(1)
        self.runtime = ProcessRuntime(
            packages, self._calls, clock, directory, share_libraries=False
        )

    async def open(self) -> None:
        """Start."""
        await self.runtime.open(self._events.put_nowait)

    async def measure(
        self, function: str, request: Payload, repeats: int, on_sample: Callable[[], None]
    ) -> tuple[float, ModelCosts]:
        """Return the start of an instance and the function's costs: medians over ``repeats``.

        Raises
        ------
        CallFailed
            If the function cannot be loaded or does not answer ``request``.
        """
        samples = []
        for _ in range(repeats):
            samples.append(await self._sample(function, request))
            on_sample()
        package = self._packages[function]
        costs = ModelCosts(
            library=package.function.library or "",
            import_s=round(median(one.report.import_s for one in samples), 4),
            load_s=round(median(one.report.load_s for one in samples), 4),
            memory_mib=max(1, round(median(one.memory_bytes for one in samples) / MIB)),
            limit_mib=max(1, package.function.memory_limit_bytes // MIB),
            run_s=round(max(1e-4, median(one.run_s for one in samples)), 4),
        )
        return median(one.start_s for one in samples), costs

    async def _sample(self, function: str, request: Payload) -> _Sample:
        """Start an instance, let a call load the function, call it again, stop the instance."""
        known = self._packages[function].function
        instance = f"i{next(self._numbers)}"
        begun_s = self._clock()
        self._submit(StartInstance(instance, "local", known.owner, known.memory_limit_bytes))
        start_s = (await self._expect(ev.InstanceReady)).at_s - begun_s
        report, _ = await self._call(instance, function, request)
        _, run_s = await self._call(instance, function, request)
        held = (await self._expect(ev.Measured)).memory_bytes
        self._submit(StopInstance(instance))
        await self._expect(ev.InstanceGone)
        assert report is not None
        return _Sample(start_s, report, run_s, held.get(function, report.memory_bytes))

    async def _call(
        self, instance: str, function: str, request: Payload
    ) -> tuple[ev.LoadReport | None, float]:
        call = f"c{next(self._numbers)}"
        self._calls.open(call, request)
        deadline_s = self._clock() + CALL_TIMEOUT_S
        self._submit(Run(call, instance, function, Tier.HOST, deadline_s))
        started = await self._expect(ev.Started)
        completed = await self._expect(ev.Completed)
        self._calls.close(call)
        return started.report, completed.at_s - started.at_s

    def _submit(self, action: RuntimeAction) -> None:
        self.runtime.submit(action)

    async def _expect(self, kind: type[Kind]) -> Kind:
        """Wait for an event of a kind; measurements that come meanwhile are passed over."""
        while True:
            event = await self._events.get()
            if isinstance(event, kind):
                return event
            if isinstance(event, ev.Failed | ev.InstanceGone):
                raise CallFailed(event.error)
