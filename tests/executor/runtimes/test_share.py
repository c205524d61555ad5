"""Functions that stay beside a call: frozen while it runs, at work again afterwards."""

import asyncio
import os
from pathlib import Path

import pytest

from executor import events as ev
from executor.actions import CancelRun, Offload
from executor.functions import Package
from tests.executor.runtimes.conftest import Way
from tests.executor.runtimes.worlds import ECHO, HANG, PATIENCE_S, handler, sharing

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


WANDERS = """
import os

def load():
    (asked, ask), (told, tell) = os.pipe(), os.pipe()
    if os.fork() == 0:
        os.setsid()
        os.write(tell, b"x")
        while True:
            os.write(tell, os.read(asked, 100))
    os.read(told, 1)
    return ask, told

def predict(model, request):
    ask, told = model
    (text,) = request.inputs["x"].data
    os.write(ask, text.encode())
    return {"y": os.read(told, 100).decode()}
"""
"""Has a process that has left its process group, by which it answers."""


LEAVES = """
import os, signal

def load():
    told, tell = os.pipe()
    if os.fork() == 0:
        if os.fork() == 0:
            os.setsid()
            os.write(tell, b"x")
            signal.pause()
        os._exit(0)
    os.wait()
    os.read(told, 1)

def predict(model, request):
    return request.inputs
"""
"""Has a process that has left its process group, and whose parent is dead."""


def packages(folder: Path) -> list[Package]:
    """Two that echo, one of them forked from a library, and one that never answers."""
    twin = sharing(handler("twin", folder, ECHO), "decimal")
    return [handler("echo", folder, ECHO), twin, handler("hang", folder, HANG)]


def states(function: str) -> list[str]:
    """List the states of a function's processes, which have its name in their environment."""
    name = f"HEADSTART_FUNCTION={function}".encode()
    return [
        (file.parent / "stat").read_text().rpartition(")")[2].split()[0]
        for file in Path("/proc").glob("[0-9]*/environ")
        if name in _read(file).split(b"\0")
    ]


async def stand_still(function: str, count: int) -> None:
    """Wait until all processes of a function are stopped; the kernel takes its time for it."""
    async with asyncio.timeout(PATIENCE_S):
        while states(function) != ["T"] * count:
            await asyncio.sleep(0.01)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


async def test_who_is_kept_beside_a_call_stands_still_until_it_ends(
    way: Way, tmp_path: Path
) -> None:
    others = frozenset({"echo", "twin"})
    async with way(packages(tmp_path), tmp_path / "state") as here:
        await here.start()
        for name in sorted(others):
            await here.load(name)
        here.run("hang", keep=others)
        await here.expect(ev.Started)
        await stand_still("echo", 1)
        here.submit(CancelRun("c1", "i1"))
        await here.expect(ev.Failed)
        for name in sorted(others):
            here.run(name, name, keep=others)
            assert (await here.expect(ev.Started)).report is None
            await here.expect(ev.Completed)


async def test_who_stands_still_can_be_taken_away(way: Way, tmp_path: Path) -> None:
    async with way(packages(tmp_path), tmp_path / "state") as here:
        await here.start()
        await here.load("echo")
        here.run("hang", keep=frozenset({"echo"}))
        await here.expect(ev.Started)
        here.submit(Offload("i1", "echo"))
        assert (await here.expect(ev.Offloaded)).error is None
        here.submit(CancelRun("c1", "i1"))
        await here.expect(ev.Failed)
        await here.answer("echo")


@pytest.mark.skipif(os.geteuid() != 0, reason="users of their own take root")
async def test_who_has_left_its_process_group_stands_still_too(way: Way, tmp_path: Path) -> None:
    made = [*packages(tmp_path), handler("wanders", tmp_path, WANDERS)]
    async with way(made, tmp_path / "state") as here:
        await here.start()
        await here.load("wanders")
        here.run("hang", keep=frozenset({"wanders"}))
        await here.expect(ev.Started)
        await stand_still("wanders", 2)
        assert states("hang") != ["T"]
        here.submit(CancelRun("c1", "i1"))
        await here.expect(ev.Failed)
        assert await here.text("wanders", "hello") == "hello"


@pytest.mark.skipif(os.geteuid() != 0, reason="users of their own take root")
async def test_who_has_lost_its_parent_stands_still_too(way: Way, tmp_path: Path) -> None:
    made = [*packages(tmp_path), handler("leaves", tmp_path, LEAVES)]
    async with way(made, tmp_path / "state") as here:
        await here.start()
        await here.load("leaves")
        here.run("hang", keep=frozenset({"leaves"}))
        await here.expect(ev.Started)
        await stand_still("leaves", 2)
        here.submit(CancelRun("c1", "i1"))
        await here.expect(ev.Failed)
        await here.answer("leaves")
