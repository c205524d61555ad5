"""Functions that share a library are forked from a process that has it, and are as good as new."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from executor import events as ev
from executor.actions import Load, Offload
from executor.domain import Tier
from executor.functions import Package
from executor.runtimes.fleet import FIRST_UID
from executor.units import MIB
from tests.executor.runtimes import processes
from tests.executor.runtimes.worlds import World, handler, script, sharing, world

pytestmark = pytest.mark.anyio

LIBRARY = "xml.dom.minidom"

TELLS = """
import json, os, sys
SHARED = sys.modules.get("xml.dom.minidom")

def load():
    return b"x" * (30 << 20)

def predict(model, request):
    return {"y": json.dumps({
        "shared": id(SHARED) if SHARED else None,
        "uid": os.getuid(),
        "folder": os.getcwd(),
        "colour": os.environ.get("COLOUR"),
        "files": sorted(int(name) for name in os.listdir("/proc/self/fd")),
        "path": sys.path,
        "parent": os.getppid(),
    })}
"""

SCRIPT = """
import sys
import headstart

model = headstart.load(lambda: "xml.dom.minidom" in sys.modules)
while True:
    request = headstart.wait()
    headstart.answer({"y": [str(model), __name__, *sys.argv]})
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def shares(name: str, folder: Path, code: str = TELLS, **fields: Any) -> Package:
    return sharing(handler(name, folder, code, **fields), LIBRARY)


def zygote(here: World) -> int:
    """Return the first process with that program; those that it forks have it too."""
    found = processes.of_instance(here.folder())
    return min(pid for pid, command in found.items() if "executor.proxy.zygote" in command)


async def tell(here: World, name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(await here.text(name, keep=frozenset("fg")))
    return told


async def test_functions_of_a_library_come_from_one_process(tmp_path: Path) -> None:
    packages = [shares("f", tmp_path, environment={"COLOUR": "blue"}), shares("g", tmp_path)]
    async with world(packages, tmp_path / "state") as here:
        await here.start()
        f, g = await tell(here, "f"), await tell(here, "g")
        manager = processes.manager_of(here.folder())
    assert f["shared"] == g["shared"] is not None
    assert f["parent"] == g["parent"] == manager
    assert (f["colour"], g["colour"]) == ("blue", None)
    assert f["folder"] == str(tmp_path / "f")


@pytest.mark.skipif(os.geteuid() != 0, reason="users of their own take root")
async def test_a_forked_function_has_a_user_and_files_of_its_own(tmp_path: Path) -> None:
    async with world([shares("f", tmp_path), shares("g", tmp_path)], tmp_path / "state") as here:
        await here.start()
        f, g = await tell(here, "f"), await tell(here, "g")
    assert FIRST_UID <= f["uid"] != g["uid"]
    assert len(f["files"]) == 5, "the fifth is the folder being listed"
    assert not any(Path(entry, "executor").is_dir() for entry in f["path"])


async def test_a_script_may_share_a_library_too(tmp_path: Path) -> None:
    package = sharing(script("f", tmp_path, SCRIPT), LIBRARY)
    async with world([package], tmp_path / "state") as here:
        await here.start()
        for call in ("c1", "c2"):
            here.run("f", call)
            await here.expect(ev.Started)
            await here.expect(ev.Completed)
            answer = here.calls.close(call)
            assert answer is not None
            (output,) = json.loads(answer.header)["outputs"]
            assert output["data"] == ["True", "__main__", "main"]


async def test_library_and_functions_are_measured_apart(tmp_path: Path) -> None:
    async with world([shares("f", tmp_path), shares("g", tmp_path)], tmp_path / "state") as here:
        await here.start()
        reports = [await here.load(name) for name in "fg"]
        measured = await here.expect(ev.Measured)
    assert all(30 * MIB < report.memory_bytes < 40 * MIB for report in reports)
    assert all(0 < report.library_bytes < 30 * MIB for report in reports)
    assert set(measured.memory_bytes) <= {"f", "g"}
    assert set(measured.library_bytes) == {LIBRARY}


async def test_a_library_that_is_not_there_fails_the_load(tmp_path: Path) -> None:
    package = sharing(handler("f", tmp_path, TELLS), "no_such_library")
    async with world([package], tmp_path / "state") as here:
        await here.start()
        failed = await here.refused("f")
        assert failed.blame
        assert "No module named 'no_such_library'" in failed.error
        here.run("f")
        assert (await here.expect(ev.Failed)).kind is ev.FailureKind.LOAD


async def test_functions_outlive_the_process_of_their_library(tmp_path: Path) -> None:
    async with world([shares("f", tmp_path), shares("g", tmp_path)], tmp_path / "state") as here:
        await here.start()
        await here.load("f")
        first = zygote(here)
        os.kill(first, signal.SIGKILL)
        while (await here.expect(ev.Measured)).library_bytes:
            pass
        assert (await tell(here, "f"))["shared"]
        await here.load("g")
        assert zygote(here) != first


async def test_what_is_taken_away_while_its_library_loads_is_gone_at_once(tmp_path: Path) -> None:
    async with world([shares("f", tmp_path)], tmp_path / "state") as here:
        await here.start()
        here.submit(Load("i1", "f", Tier.HOST))
        here.submit(Offload("i1", "f"))
        assert not (await here.expect(ev.LoadFailed)).blame
        await here.expect(ev.Offloaded)
        await here.load("f")


async def test_nothing_outlives_a_killed_manager(tmp_path: Path) -> None:
    async with world([shares("f", tmp_path)], tmp_path / "state") as here:
        await here.start()
        await here.load("f")
        folder = here.folder()
        here.kill()
        await here.expect(ev.InstanceGone)
        assert not processes.of_instance(folder)
