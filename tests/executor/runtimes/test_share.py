"""Functions that stay beside a call: frozen while it runs, at work again afterwards."""

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from executor import events as ev
from executor.actions import CancelRun, Offload
from executor.functions import Package
from tests.executor.runtimes import containers, worlds
from tests.executor.runtimes.worlds import ECHO, HANG, World, handler, sharing

pytestmark = pytest.mark.anyio

Way = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(
    params=[
        pytest.param(worlds.world, id="process"),
        pytest.param(containers.world, id="docker", marks=pytest.mark.docker),
    ]
)
def way(request: pytest.FixtureRequest) -> Way:
    made: Way = request.param
    return made


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
        assert states("echo") == ["T"]
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
        assert states("wanders") == ["T", "T"]
        assert states("hang") != ["T"]
        here.submit(CancelRun("c1", "i1"))
        await here.expect(ev.Failed)
        assert await here.text("wanders", "hello") == "hello"
