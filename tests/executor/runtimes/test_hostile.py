"""Functions that mean ill: whatever they do, there is one error, and the instance goes on."""

import os
from pathlib import Path
from typing import Any

import pytest

from executor import events as ev
from executor.actions import Offload
from tests.executor.runtimes import worlds
from tests.executor.runtimes.conftest import Way
from tests.executor.runtimes.worlds import ECHO, handler, script

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(os.geteuid() != 0, reason="users and limits of their own take root"),
]

FORK_BOMB = """
import os, resource
from contextlib import suppress

def bomb(full):
    while True:
        try:
            if os.fork() == 0:
                os.setsid()
        except OSError:
            with suppress(BlockingIOError):
                os.write(full, b"x")

def load():
    resource.setrlimit(resource.RLIMIT_NPROC, (60, 60))
    reader, full = os.pipe()
    os.set_blocking(full, False)
    if os.fork() == 0:
        os.setsid()
        bomb(full)
    os.read(reader, 1)

def predict(model, request):
    return request.inputs
"""

FILLS_HOME = """
import os

def load():
    return None

def predict(model, request):
    with open(os.environ["HOME"] + "/much", "wb") as file:
        while True:
            file.write(b"x" * (1 << 20))
"""

FLOODS_MANAGER = """
import os, struct

def load():
    return None

def predict(model, request):
    os.write(3, struct.pack("!II", 2, 0xFFFF_FFFF))
    while True:
        os.write(3, b"x" * (1 << 20))
"""

FLOODS_LOG = """
import os

def load():
    return None

def predict(model, request):
    for descriptor in (1, 2):
        for _ in range(300):
            os.write(descriptor, b"x" * (1 << 20))
    return request.inputs
"""

ENDLESS_LINE = """
import sys
print('{"ready": true}', flush=True)
sys.stdin.readline()
while True:
    sys.stdout.write("x" * (1 << 20))
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def fails_and_echo_answers(way: Way, package: Any, folder: Path) -> ev.Failed:
    """Call a function that fails, and then another one in the same instance."""
    async with way([package, handler("echo", folder, ECHO)], folder / "state") as here:
        await here.start()
        here.run("bad")
        await here.expect(ev.Started)
        failed = await here.expect(ev.Failed)
        here.run("echo", "c2")
        event = await here.expect((ev.Offloaded, ev.Started))
        if isinstance(event, ev.Offloaded):
            await here.expect(ev.Started)
        await here.expect(ev.Completed)
    return failed


async def test_what_multiplies_is_taken_away_all_the_same(way: Way, tmp_path: Path) -> None:
    packages = [handler("bad", tmp_path, FORK_BOMB), handler("echo", tmp_path, ECHO)]
    async with way(packages, tmp_path / "state") as here:
        await here.start()
        await here.load("bad")
        here.submit(Offload("i1", "bad"))
        assert (await here.expect(ev.Offloaded)).error is None
        await here.answer("echo")


async def test_a_full_home_is_its_functions_own_affair(way: Way, tmp_path: Path) -> None:
    package = handler("bad", tmp_path, FILLS_HOME)
    failed = await fails_and_echo_answers(way, package, tmp_path)
    if way is worlds.world:
        assert "No space left on device" in failed.error
    else:
        assert failed.error == "out of memory: killed by SIGKILL"


async def test_the_manager_keeps_no_endless_frame(way: Way, tmp_path: Path) -> None:
    package = handler("bad", tmp_path, FLOODS_MANAGER)
    failed = await fails_and_echo_answers(way, package, tmp_path)
    assert "it broke the protocol: a frame of 4294967305 bytes" in failed.error


async def test_the_manager_keeps_no_endless_line(way: Way, tmp_path: Path) -> None:
    package = script("bad", tmp_path, ENDLESS_LINE)
    failed = await fails_and_echo_answers(way, package, tmp_path)
    assert "it broke the protocol: a line of more than" in failed.error


async def test_the_manager_keeps_only_the_end_of_a_log(way: Way, tmp_path: Path) -> None:
    async with way([handler("bad", tmp_path, FLOODS_LOG)], tmp_path / "state") as here:
        await here.start()
        await here.answer("bad")
