"""Every runtime, made ready for the one contract suite.

Each harness offers three functions of owner ``o``: ``echo`` and ``twin`` answer at once, ``hang``
never does; and ``foreign``, like ``echo``, of another owner.
"""

import asyncio
import json
import math
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from executor.actions import RuntimeAction
from executor.calls import CallTable, Payload
from executor.clock import since_midnight
from executor.domain import Function, Profile
from executor.drivers.sim import EventHeap
from executor.events import Event
from executor.functions import Package, Style
from executor.runtimes.process import ProcessRuntime
from executor.runtimes.sim import SimCosts, SimRuntime
from executor.units import MIB
from tests.executor.runtimes import processes

OWNERS = {"echo": "o", "twin": "o", "hang": "o", "foreign": "p"}
LIMIT_BYTES = 256 * MIB

ECHO = """
def load():
    return None

def predict(model, request):
    return {name: tensor for name, tensor in request.inputs.items()}
"""

HANG = """
import signal

def load():
    return None

def predict(model, request):
    while True:
        signal.pause()
"""


class Harness(Protocol):
    """A runtime under test."""

    calls: CallTable

    def submit(self, action: RuntimeAction) -> None:
        """Hand an action to the runtime."""

    async def next_event(self) -> Event:
        """Wait for the next event."""

    def now_s(self) -> float:
        """Return the time of the runtime's clock."""

    def kill(self, instance_id: str) -> None:
        """Let an instance die."""


Maker = Callable[[Path], AbstractAsyncContextManager[Harness]]


def request(text: str = "hello") -> Payload:
    """Make the body of a call."""
    tensor = {"name": "x", "datatype": "BYTES", "shape": [1], "data": [text]}
    return Payload(json.dumps({"inputs": [tensor]}).encode())


def package(
    name: str, folder: Path, *, owner: str = "o", load_timeout_s: float = 20.0, **fields: object
) -> Package:
    """Describe a handler in a folder."""
    function = Function(name, owner, LIMIT_BYTES, Profile(0.1, 0.1, 16 * MIB))
    values: dict[str, object] = {
        "function": function,
        "folder": folder,
        "style": Style.HANDLER,
        "handler": "handler",
        "command": (),
        "python": Path(sys.executable),
        "files": (),
        "environment": {},
        "inputs": (),
        "outputs": (),
        "load_timeout_s": load_timeout_s,
    }
    return Package(**(values | fields))  # type: ignore[arg-type]


def write_handler(folder: Path, code: str) -> Path:
    """Write a function's folder, readable by all."""
    folder.mkdir(parents=True)
    (folder / "handler.py").write_text(code)
    return folder


class ProcessHarness:
    """The process runtime with real functions."""

    def __init__(self, packages: dict[str, Package], directory: Path, *, isolate: bool) -> None:
        self.calls = CallTable()
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.now_s = since_midnight()
        self.runtime = ProcessRuntime(packages, self.calls, self.now_s, directory, isolate=isolate)
        self._directory = directory

    def submit(self, action: RuntimeAction) -> None:
        self.runtime.submit(action)

    async def next_event(self) -> Event:
        return await asyncio.wait_for(self.events.get(), 30)

    def folder(self, instance_id: str) -> Path:
        """Return where an instance keeps its files."""
        (folder,) = self._directory.glob(f"*/{instance_id}")
        return folder

    def kill(self, instance_id: str) -> None:
        os.kill(processes.manager_of(self.folder(instance_id)), signal.SIGKILL)


@asynccontextmanager
async def process_runtime(
    packages: dict[str, Package], directory: Path, *, isolate: bool = True
) -> AsyncIterator[ProcessHarness]:
    """Open a process runtime; nothing of it may be left in the end."""
    harness = ProcessHarness(packages, directory, isolate=isolate)
    await harness.runtime.open(harness.events.put_nowait)
    try:
        yield harness
    finally:
        await harness.runtime.close()
    assert not list(directory.iterdir())


@asynccontextmanager
async def process(tmp_path: Path) -> AsyncIterator[Harness]:
    """Make the process runtime with the functions of the suite."""
    code = {"echo": ECHO, "twin": ECHO, "hang": HANG, "foreign": ECHO}
    packages = {
        name: package(name, write_handler(tmp_path / name, code[name]), owner=owner)
        for name, owner in OWNERS.items()
    }
    async with process_runtime(packages, tmp_path / "state") as harness:
        yield harness


class SimHarness:
    """The simulated runtime on a heap of events."""

    def __init__(self) -> None:
        self.calls = CallTable()
        self._timer = EventHeap()
        self._events: list[Event] = []
        profiles = dict.fromkeys(OWNERS, Profile(0.5, 0.25, 16 * MIB))
        costs = SimCosts(profiles, lambda _, function: math.inf if function == "hang" else 0.1)
        self._runtime = SimRuntime(self._timer, costs, self._events.append)

    def submit(self, action: RuntimeAction) -> None:
        self._runtime.submit(action)

    async def next_event(self) -> Event:
        until_s = self.now_s() + 1000.0
        while not self._events and self.now_s() < until_s:
            self._timer.run(self.now_s() + 0.001)
        return self._events.pop(0)

    def now_s(self) -> float:
        return self._timer.now_s()

    def kill(self, instance_id: str) -> None:
        self._runtime.kill(instance_id)


@asynccontextmanager
async def sim(_tmp_path: Path) -> AsyncIterator[Harness]:
    """Make the simulated runtime."""
    yield SimHarness()


MAKERS: dict[str, Maker] = {"sim": sim, "process": process}
