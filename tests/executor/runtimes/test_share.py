"""Functions that stay beside a call: frozen while it runs, at work again afterwards."""

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


def packages(folder: Path) -> list[Package]:
    """Two that echo, one of them forked from a library, and one that never answers."""
    twin = sharing(handler("twin", folder, ECHO), "decimal")
    return [handler("echo", folder, ECHO), twin, handler("hang", folder, HANG)]


def stopped(function: str) -> bool:
    """Whether the process of a function, which has its name in its environment, is stopped."""
    name = f"HEADSTART_FUNCTION={function}".encode()
    (state,) = {
        (file.parent / "stat").read_text().rpartition(")")[2].split()[0]
        for file in Path("/proc").glob("[0-9]*/environ")
        if name in _read(file).split(b"\0")
    }
    return state == "T"


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
        assert stopped("echo")
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
