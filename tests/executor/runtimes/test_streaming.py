"""Functions that answer in parts: each comes when it is there, and the call ends once."""

import json
from pathlib import Path
from typing import Any

import pytest

from executor import events as ev
from executor.actions import CancelRun, Run
from executor.calls import Payload
from executor.domain import Tier
from tests.executor.runtimes import worlds
from tests.executor.runtimes.conftest import Way
from tests.executor.runtimes.worlds import PATIENCE_S, World, handler, request, script

pytestmark = pytest.mark.anyio

COUNTS = """
import signal

def load():
    return None

def predict(model, request):
    (what,) = request.inputs["x"].data
    for number in range(3):
        yield {"y": [number]}
    if what == "hang":
        signal.pause()
    if what == "raise":
        raise ValueError("this is no cat")

def nothing():
    yield from ()
"""

YIELDS_NOTHING = COUNTS + "\ndef predict(model, request):\n    return nothing()\n"

SCRIPT = """
import headstart

headstart.load(lambda: None)
while True:
    headstart.wait()
    headstart.answer({"y": [0]}, more=True)
    headstart.answer({"y": [1]}, more=True)
    headstart.answer({"y": [2]})
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Listener:
    """Takes the parts of one call."""

    def __init__(self, here: World, what: str = "") -> None:
        self.parts: list[Any] = []
        here.calls.open("c1", request(what), self.take)
        deadline_s = here.now_s() + PATIENCE_S
        here.submit(Run("c1", "i1", "f", Tier.HOST, deadline_s, frozenset()))

    def take(self, part: Payload) -> None:
        (output,) = json.loads(part.header)["outputs"]
        self.parts += output["data"]


async def test_parts_come_in_order_before_the_end(way: Way, tmp_path: Path) -> None:
    async with way([handler("f", tmp_path, COUNTS)], tmp_path / "state") as here:
        await here.start()
        for _ in range(2):
            listener = Listener(here)
            await here.expect(ev.Started)
            await here.expect(ev.Completed)
            assert listener.parts == [0, 1, 2]
            assert here.calls.close("c1") == Payload(b"")


async def test_a_call_that_is_withdrawn_between_parts_ends(way: Way, tmp_path: Path) -> None:
    async with way([handler("f", tmp_path, COUNTS)], tmp_path / "state") as here:
        await here.start()
        listener = Listener(here, "hang")
        await here.expect(ev.Started)
        while listener.parts != [0, 1, 2]:
            await here.turn()
        here.submit(CancelRun("c1", "i1"))
        assert (await here.expect(ev.Failed)).kind is ev.FailureKind.CANCELLED


async def test_an_error_between_parts_leaves_the_function_loaded(way: Way, tmp_path: Path) -> None:
    async with way([handler("f", tmp_path, COUNTS)], tmp_path / "state") as here:
        await here.start()
        listener = Listener(here, "raise")
        await here.expect(ev.Started)
        failed = await here.expect(ev.Failed)
        assert (failed.kind, failed.error) == (ev.FailureKind.ERROR, "ValueError: this is no cat")
        assert listener.parts == [0, 1, 2]
        Listener(here)
        assert (await here.expect(ev.Started)).report is None
        await here.expect(ev.Completed)


async def test_who_takes_no_parts_has_the_last(way: Way, tmp_path: Path) -> None:
    async with way([handler("f", tmp_path, COUNTS)], tmp_path / "state") as here:
        await here.start()
        answer = await here.answer("f")
    assert json.loads(answer.header)["outputs"][0]["data"] == [2]


async def test_no_part_at_all_is_an_error(tmp_path: Path) -> None:
    async with worlds.world([handler("f", tmp_path, YIELDS_NOTHING)], tmp_path / "state") as here:
        await here.start()
        here.run("f")
        await here.expect(ev.Started)
        assert "has yielded nothing" in (await here.expect(ev.Failed)).error


async def test_a_script_answers_in_parts(tmp_path: Path) -> None:
    async with worlds.world([script("f", tmp_path, SCRIPT)], tmp_path / "state") as here:
        await here.start()
        listener = Listener(here)
        await here.expect(ev.Started)
        await here.expect(ev.Completed)
        (last,) = json.loads(here.calls.close("c1").header)["outputs"]  # type: ignore[union-attr]
    assert [*listener.parts, *last["data"]] == [0, 1, 2]
