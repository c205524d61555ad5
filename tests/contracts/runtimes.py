"""Every runtime, made ready for the one contract suite.

Each harness offers four functions of owner ``o``: ``echo`` and ``twin`` answer at once, ``hang``
never does, and ``stuck`` never loads.
"""

import math
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from executor.actions import RuntimeAction
from executor.calls import CallTable
from executor.clock import Clock
from executor.domain import GpuProfile, Profile
from executor.drivers.sim import EventHeap
from executor.events import Event
from executor.runtimes.sim import SimRuntime
from executor.runtimes.sim_costs import SimCosts
from executor.runtimes.sim_libraries import SimLibrary
from executor.units import MIB
from tests.executor.gpu import fakes
from tests.executor.runtimes import containers, worlds

FUNCTIONS = {
    "echo": worlds.ECHO,
    "twin": worlds.ECHO,
    "hang": worlds.HANG,
    "stuck": worlds.STUCK,
}


class Harness(Protocol):
    """A runtime under test."""

    calls: CallTable
    now_s: Clock

    def submit(self, action: RuntimeAction) -> None:
        """Hand an action to the runtime."""

    async def next_event(self) -> Event:
        """Wait for the next event."""

    def kill(self, instance_id: str) -> None:
        """Let an instance die."""


Maker = Callable[[Path], AbstractAsyncContextManager[Harness]]


@asynccontextmanager
async def process(tmp_path: Path) -> AsyncIterator[Harness]:
    """Make the process runtime with real functions."""
    packages = [worlds.handler(name, tmp_path, code) for name, code in FUNCTIONS.items()]
    async with worlds.world(packages, tmp_path / "state") as made:
        yield made


@asynccontextmanager
async def forked(tmp_path: Path) -> AsyncIterator[Harness]:
    """Make the process runtime with functions that share a library."""
    packages = [
        worlds.sharing(worlds.handler(name, tmp_path, code), "decimal")
        for name, code in FUNCTIONS.items()
    ]
    async with worlds.world(packages, tmp_path / "state") as made:
        yield made


@asynccontextmanager
async def docker(tmp_path: Path) -> AsyncIterator[Harness]:
    """Make the Docker runtime with real functions."""
    packages = [worlds.handler(name, tmp_path, code) for name, code in FUNCTIONS.items()]
    async with containers.world(packages, tmp_path / "state") as made:
        yield made


class SimHarness:
    """The simulated runtime on a heap of events."""

    def __init__(self, library: SimLibrary | None = None) -> None:
        self.calls = CallTable()
        self._timer = EventHeap()
        self.now_s = self._timer.now_s
        self._events: list[Event] = []
        gpu = GpuProfile(16 * MIB, 400 * MIB, 0.1)
        profiles = dict.fromkeys(FUNCTIONS, Profile(0.5, 0.25, 16 * MIB, gpu=gpu))
        profiles["stuck"] = Profile(0.5, 1e6, 16 * MIB)
        costs = SimCosts(profiles, lambda _, function: math.inf if function == "hang" else 0.1)
        if library is not None:
            costs = replace(costs, libraries=dict.fromkeys(FUNCTIONS, library))
        self._runtime = SimRuntime(self._timer, costs, self._events.extend)

    def submit(self, action: RuntimeAction) -> None:
        """Hand an action to the runtime."""
        self._runtime.submit(action)

    async def next_event(self) -> Event:
        """Let time pass until something happens."""
        until_s = self.now_s() + 1000.0
        while not self._events and self.now_s() < until_s:
            self._timer.run(self.now_s() + 0.001)
        return self._events.pop(0)

    def kill(self, instance_id: str) -> None:
        """Let an instance die."""
        self._runtime.kill(instance_id)


@asynccontextmanager
async def sim(_tmp_path: Path) -> AsyncIterator[Harness]:
    """Make the simulated runtime."""
    yield SimHarness()


@asynccontextmanager
async def sim_forked(_tmp_path: Path) -> AsyncIterator[Harness]:
    """Make the simulated runtime with functions that share a library."""
    yield SimHarness(SimLibrary("decimal", 0.5, 8 * MIB))


@asynccontextmanager
async def process_with_gpu(tmp_path: Path) -> AsyncIterator[Harness]:
    """Make the process runtime with a GPU that is not there."""
    with pytest.MonkeyPatch.context() as patch, fakes.opened(tmp_path, patch) as (gpus, keeper):
        packages = [gpus.package(name, tmp_path) for name in ("echo", "twin")]
        made = worlds.world(packages, tmp_path / "state", isolate=False, gpus={"w": keeper})
        async with made as opened:
            yield opened


WITH_GPUS: dict[str, Maker] = {"sim": sim, "process": process_with_gpu}
MAKERS: dict[str, Maker] = {
    "sim": sim,
    "sim_forked": sim_forked,
    "process": process,
    "forked": forked,
    "docker": docker,
}
MARKS = {"docker": pytest.mark.docker}
