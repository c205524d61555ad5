"""Functions that behave in one way each, and a runtime that runs them."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from executor import events as ev
from executor.actions import Load, Run, RuntimeAction, StartInstance
from executor.calls import CallTable, Payload
from executor.clock import Clock, since_midnight
from executor.domain import Function, Profile, Tier
from executor.functions import Package, Style
from executor.gpu.keeper import Keeper
from executor.runtimes.process import ProcessRuntime
from executor.runtimes.protocol import LiveRuntime
from executor.units import MIB
from tests.executor.runtimes import processes

LIMIT_BYTES = 256 * MIB
PATIENCE_S = 30.0

Kind = TypeVar("Kind", bound=ev.Event)

ECHO = """
def load():
    return None

def predict(model, request):
    return request.inputs
"""

STUCK = """
import signal

def load():
    signal.pause()

def predict(model, request):
    return request.inputs
"""

HANG = """
import signal

def load():
    return None

def predict(model, request):
    while True:
        signal.pause()
"""


def request(text: str = "hello") -> Payload:
    """Make the body of a call."""
    tensor = {"name": "x", "datatype": "BYTES", "shape": [1], "data": [text]}
    return Payload(json.dumps({"inputs": [tensor]}).encode())


def handler(name: str, folder: Path, code: str, **fields: Any) -> Package:
    """Write a handler into ``folder / name`` and describe it."""
    return _package(name, folder, "handler.py", code, fields)


def script(name: str, folder: Path, code: str, *command: str, **fields: Any) -> Package:
    """Write a script into ``folder / name`` and describe it."""
    style = {"style": Style.SCRIPT, "command": command or ("python", "main")}
    return _package(name, folder, "main", code, style | fields)


def sharing(package: Package, *libraries: str) -> Package:
    """Let a function share modules with others."""
    function = replace(package.function, library=" ".join(libraries))
    return replace(package, function=function, libraries=libraries)


def _package(name: str, folder: Path, file: str, code: str, fields: dict[str, Any]) -> Package:
    (folder / name).mkdir(parents=True)
    (folder / name / file).write_text(code)
    function = Function(
        name,
        owner=fields.pop("owner", "o"),
        memory_limit_bytes=fields.pop("memory_limit_bytes", LIMIT_BYTES),
        profile=Profile(0.1, 0.1, fields.pop("memory_bytes", 16 * MIB)),
    )
    defaults: dict[str, Any] = {
        "function": function,
        "folder": folder / name,
        "style": Style.HANDLER,
        "handler": "handler",
        "command": (),
        "python": Path(sys.executable),
        "files": (),
        "environment": {},
        "inputs": (),
        "outputs": (),
        "load_timeout_s": 20.0,
    }
    return Package(**(defaults | fields))


class World:
    """A runtime at work; it is made by ``make`` from functions, calls and a clock."""

    def __init__(
        self,
        packages: list[Package],
        directory: Path,
        make: Callable[[dict[str, Package], CallTable, Clock], LiveRuntime],
    ) -> None:
        self.calls = CallTable()
        self.now_s = since_midnight()
        by_name = {package.function.name: package for package in packages}
        self.runtime = make(by_name, self.calls, self.now_s)
        self.events: asyncio.Queue[ev.Event] = asyncio.Queue()
        self._directory = directory

    def submit(self, action: RuntimeAction) -> None:
        """Hand over an action."""
        self.runtime.submit(action)

    async def next_event(self) -> ev.Event:
        """Wait for the next event."""
        return await asyncio.wait_for(self.events.get(), PATIENCE_S)

    async def expect(self, kind: type[Kind] | tuple[type[Kind], ...]) -> Kind:
        """Return the next event but measurements and workers seen, which must be of a kind."""
        event = await self.next_event()
        aside = ev.Measured | ev.GpusMeasured | ev.WorkerSeen
        while isinstance(event, aside) and not isinstance(event, kind):
            event = await self.next_event()
        assert isinstance(event, kind), event
        return event

    async def start(
        self, limit_bytes: int = LIMIT_BYTES, instance_id: str = "i1", gpu: str | None = None
    ) -> None:
        """Start an instance."""
        self.submit(StartInstance(instance_id, "w", "o", limit_bytes, gpu=gpu))
        await self.expect(ev.InstanceReady)

    async def load(
        self, function: str, tier: Tier = Tier.HOST, instance_id: str = "i1"
    ) -> ev.LoadReport:
        """Load a function."""
        self.submit(Load(instance_id, function, tier))
        loaded = await self.expect(ev.Loaded)
        assert (loaded.function, loaded.tier) == (function, tier)
        return loaded.report

    async def refused(self, function: str) -> ev.LoadFailed:
        """Try to load a function into ``i1``."""
        self.submit(Load("i1", function, Tier.HOST))
        return await self.expect(ev.LoadFailed)

    def run(
        self,
        function: str,
        call: str = "c1",
        body: Payload | None = None,
        keep: frozenset[str] = frozenset(),
        tier: Tier = Tier.HOST,
        instance_id: str = "i1",
    ) -> None:
        """Send a call."""
        self.calls.open(call, body or request())
        deadline_s = self.now_s() + PATIENCE_S
        self.submit(Run(call, instance_id, function, tier, deadline_s, keep))

    async def turn(self) -> None:
        """Let the loop turn once, and drop a measurement if there is one."""
        await asyncio.sleep(0)
        if not self.events.empty():
            event = self.events.get_nowait()
            assert isinstance(event, ev.Measured), event

    async def answer(
        self, function: str, body: Payload | None = None, keep: frozenset[str] = frozenset()
    ) -> Payload:
        """Call a function in ``i1`` and return its answer."""
        self.run(function, body=body, keep=keep)
        await self.expect(ev.Started)
        await self.expect(ev.Completed)
        answer = self.calls.close("c1")
        assert answer is not None
        return answer

    async def text(self, function: str, text: str = "", keep: frozenset[str] = frozenset()) -> str:
        """Call a function that answers with one string ``y``."""
        answer = json.loads((await self.answer(function, request(text), keep)).header)
        (output,) = answer["outputs"]
        return str(output["data"][0])

    def folder(self, instance_id: str = "i1") -> Path:
        """Return where an instance keeps its files."""
        (folder,) = self._directory.glob(f"*/{instance_id}")
        return folder

    def kill(self, instance_id: str = "i1") -> None:
        """Kill an instance's manager."""
        os.kill(processes.manager_of(self.folder(instance_id)), signal.SIGKILL)


AnyWorld = TypeVar("AnyWorld", bound=World)


@asynccontextmanager
async def world(
    packages: list[Package],
    directory: Path,
    *,
    isolate: bool = True,
    grace_s: float = 0.0,
    gpus: dict[str, Keeper] | None = None,
    snapshots: bool = False,
) -> AsyncIterator[World]:
    """Open a process runtime; nothing of it may be left in the end."""

    def make(by_name: dict[str, Package], calls: CallTable, clock: Clock) -> ProcessRuntime:
        return ProcessRuntime(
            by_name,
            calls,
            clock,
            directory,
            isolate=isolate,
            grace_s=grace_s,
            gpus=gpus,
            snapshots=snapshots,
        )

    async with opened(World(packages, directory, make), directory) as made:
        yield made


@asynccontextmanager
async def opened(made: AnyWorld, directory: Path) -> AsyncIterator[AnyWorld]:
    """Open a runtime; nothing of it may be left in its directory in the end."""
    await made.runtime.open(made.events.put_nowait)
    try:
        yield made
    finally:
        await made.runtime.close()
    assert not list(directory.iterdir())
