"""Loads and calls a function on a live runtime, and keeps the medians of what that took."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from statistics import mean, median
from typing import TypeVar

from bench.replay.profiles import LibraryCosts, ModelCosts, ProfileFile
from executor import events as ev
from executor.actions import Load, Offload, Run, RuntimeAction, StartInstance, StopInstance
from executor.calls import Calls, CallTable, Payload
from executor.clock import Clock
from executor.domain import Tier
from executor.functions import Package
from executor.runtimes.protocol import LiveRuntime
from executor.units import MIB

Kind = TypeVar("Kind", bound=ev.Event)

CALL_TIMEOUT_S = 120.0

_ALONE = 3
_EACH = 2
"""Loads of which the median is taken, and loads for each core at once."""


class CallFailed(Exception):
    """The function did not answer its example request; the message says why."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one fresh instance showed of a function.

    ``first_ready_s`` and ``ready_s`` are from the order to load until ready, at first and once the
    instance has the function's library; ``first_run_s`` and ``run_s`` are its first and second
    call.
    """

    start_s: float
    offload_s: float
    call_s: float
    base_bytes: int
    first_ready_s: float
    ready_s: float
    load_s: float
    first_run_s: float
    run_s: float
    memory_bytes: int
    library_bytes: int


class Laboratory:
    """Runs one function at a time, each in an instance of its own that nothing shares.

    Parameters
    ----------
    packages
        The functions.
    clock
        Time of what is measured.
    make
        Makes the runtime, which takes the bodies of calls from its argument.
    worker
        Where instances start.
    """

    def __init__(
        self,
        packages: Mapping[str, Package],
        clock: Clock,
        make: Callable[[Calls], LiveRuntime],
        worker: str = "local",
    ) -> None:
        self._packages = packages
        self._clock = clock
        self._calls = CallTable()
        self._events: asyncio.Queue[ev.Event] = asyncio.Queue()
        self._numbers = count(1)
        self._worker = worker
        self.runtime = make(self._calls)

    async def open(self) -> None:
        """Start."""
        await self.runtime.open(self._events.put_nowait)

    async def measure(
        self, function: str, request: Payload, repeats: int, on_sample: Callable[[], None]
    ) -> list[Sample]:
        """Return what ``repeats`` instances showed of a function.

        Raises
        ------
        CallFailed
            If the function cannot be loaded or does not answer ``request``.
        """
        samples = []
        for _ in range(repeats):
            try:
                samples.append(await self._sample(function, request))
            except CallFailed as error:
                raise CallFailed(f"{function}: {error}") from error
            on_sample()
        return samples

    async def _sample(self, function: str, request: Payload) -> Sample:
        """Start an instance, load the function twice, call it twice, stop the instance."""
        known = self._packages[function].function
        instance = f"i{next(self._numbers)}"
        begun_s = self._clock()
        self._submit(StartInstance(instance, self._worker, known.owner, known.memory_limit_bytes))
        up = await self._expect(ev.InstanceReady)
        first_ready_s, _ = await self._load(instance, function)
        asked_s = self._clock()
        self._submit(Offload(instance, function))
        offload_s = (await self._expect(ev.Offloaded)).at_s - asked_s
        ready_s, report = await self._load(instance, function)
        _, first_run_s = await self._call(instance, function, request)
        call_s, run_s = await self._call(instance, function, request)
        held = await self._expect(ev.Measured)
        self._submit(StopInstance(instance))
        await self._expect(ev.InstanceGone)
        return Sample(
            start_s=up.at_s - begun_s,
            offload_s=offload_s,
            call_s=call_s,
            base_bytes=up.base_bytes,
            first_ready_s=first_ready_s,
            ready_s=ready_s,
            load_s=report.load_s,
            first_run_s=first_run_s,
            run_s=run_s,
            memory_bytes=held.memory_bytes.get(function, report.memory_bytes),
            library_bytes=sum(held.library_bytes.values()),
        )

    async def crowding(self, function: str, cores: int) -> float:
        """Return how many times longer first loads take of which each core has two.

        Taking turns is left out: twice as long as a load alone would be 1.
        """
        alone_s = [await self._first_loads(function, 1) for _ in range(_ALONE)]
        crowded_s = await self._first_loads(function, _EACH * cores)
        return max(1.0, crowded_s / (_EACH * median(alone_s)))

    async def _first_loads(self, function: str, number: int) -> float:
        """Return the mean seconds of first loads, all begun at once, each in a new instance."""
        known = self._packages[function].function
        instances = [f"i{next(self._numbers)}" for _ in range(number)]
        for instance in instances:
            start = StartInstance(instance, self._worker, known.owner, known.memory_limit_bytes)
            self._submit(start)
            await self._expect(ev.InstanceReady)
        begun_s = self._clock()
        for instance in instances:
            self._submit(Load(instance, function, Tier.HOST))
        ready_s = [(await self._expect(ev.Loaded)).at_s - begun_s for _ in instances]
        for instance in instances:
            self._submit(StopInstance(instance))
            await self._expect(ev.InstanceGone)
        return mean(ready_s)

    async def _load(self, instance: str, function: str) -> tuple[float, ev.LoadReport]:
        begun_s = self._clock()
        self._submit(Load(instance, function, Tier.HOST))
        loaded = await self._expect(ev.Loaded)
        return loaded.at_s - begun_s, loaded.report

    async def _call(self, instance: str, function: str, request: Payload) -> tuple[float, float]:
        """Call a function; return the seconds until it has the request, and to its answer."""
        call = f"c{next(self._numbers)}"
        self._calls.open(call, request)
        begun_s = self._clock()
        self._submit(Run(call, instance, function, Tier.HOST, begun_s + CALL_TIMEOUT_S))
        started = await self._expect(ev.Started)
        completed = await self._expect(ev.Completed)
        self._calls.close(call)
        return started.at_s - begun_s, completed.at_s - started.at_s

    def _submit(self, action: RuntimeAction) -> None:
        self.runtime.submit(action)

    async def _expect(self, kind: type[Kind]) -> Kind:
        """Wait for an event of a kind; measurements that come meanwhile are passed over."""
        while True:
            event = await self._events.get()
            if isinstance(event, kind):
                return event
            if isinstance(event, ev.Failed | ev.LoadFailed | ev.InstanceGone):
                raise CallFailed(event.error)


async def profiled(
    laboratory: Laboratory,
    packages: Mapping[str, Package],
    requests: Mapping[str, Payload],
    repeats: int,
    on_sample: Callable[[str], None],
    cores: int | None = None,
) -> ProfileFile:
    """Measure functions, given with the body of a request; ``on_sample`` is told of each instance.

    With a number of ``cores`` it is measured too how the first function's loads crowd them.

    Raises
    ------
    CallFailed
        If one cannot be loaded or does not answer.
    """
    await laboratory.open()
    try:
        samples = {
            name: await laboratory.measure(name, request, repeats, partial(on_sample, name))
            for name, request in requests.items()
        }
        first = next(iter(requests))
        crowding = 1.0 if cores is None else await laboratory.crowding(first, cores)
    finally:
        await laboratory.runtime.close()
    return summed_up(packages, samples, crowding)


def summed_up(
    packages: Mapping[str, Package], samples: Mapping[str, list[Sample]], crowding: float = 1.0
) -> ProfileFile:
    """Return the medians of what was measured, as the replay reads it."""
    everything = [sample for some in samples.values() for sample in some]
    members: dict[str, list[Sample]] = {}
    for name, some in samples.items():
        if any(one.library_bytes for one in some):
            members.setdefault(packages[name].function.library or "", []).extend(some)
    return ProfileFile(
        start_s=_median(one.start_s for one in everything),
        base_mib=_mib(one.base_bytes for one in everything),
        offload_s=_median(one.offload_s for one in everything),
        call_s=_median(one.call_s for one in everything),
        crowding=round(crowding, 4),
        libraries={library: _library(some) for library, some in members.items()},
        models={name: _model(packages[name], some) for name, some in samples.items()},
    )


def _library(samples: list[Sample]) -> LibraryCosts:
    """Take what the first load of an instance takes longer for the import of the library."""
    import_s = _median(max(0.0, one.first_ready_s - one.ready_s) for one in samples)
    return LibraryCosts(import_s=import_s, memory_mib=_mib(one.library_bytes for one in samples))


def _model(package: Package, samples: list[Sample]) -> ModelCosts:
    return ModelCosts(
        library=package.function.library or "",
        import_s=_median(max(0.0, one.ready_s - one.load_s) for one in samples),
        load_s=_median(one.load_s for one in samples),
        memory_mib=_mib(one.memory_bytes for one in samples),
        limit_mib=max(1, package.function.memory_limit_bytes // MIB),
        run_s=max(1e-4, _median(one.run_s for one in samples)),
        first_call_s=_median(max(0.0, one.first_run_s - one.run_s) for one in samples),
    )


def _median(values_s: Iterable[float]) -> float:
    return round(median(values_s), 4)


def _mib(values_bytes: Iterable[int]) -> int:
    return max(1, round(median(values_bytes) / MIB))
