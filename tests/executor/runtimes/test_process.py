"""Real processes: what goes wrong with them, and that nothing of them is left."""

import os
import signal
from pathlib import Path

import pytest

from executor import events as ev
from executor.actions import Load, Offload, Run, StopInstance
from executor.domain import Tier
from executor.units import MIB
from tests.executor.runtimes import processes
from tests.executor.runtimes.worlds import ECHO, HANG, handler, world

pytestmark = pytest.mark.anyio

RAISES = """
def load():
    return None

def predict(model, request):
    raise ValueError("this is no cat")
"""

CRASHES = """
import os, sys

def load():
    return None

def predict(model, request):
    print("last words", file=sys.stderr)
    os._exit(3)
"""

FAMILY = """
import os, signal, subprocess, sys

PROGRAM = "import signal; signal.pause()"

def load():
    subprocess.Popen([sys.executable, "-c", PROGRAM])
    if os.fork() == 0:
        os.setsid()
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM])

def predict(model, request):
    return {"y": "ok"}
"""

GROWS_AND_HANGS = """
import signal

def load():
    return []

def predict(model, request):
    model.append(b"x" * (100 << 20))
    signal.pause()
"""

GROWS = """
def load():
    return []

def predict(model, request):
    model.append(b"x" * (100 << 20))
    return {"y": "ok"}
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_an_error_in_load_comes_back_with_its_traceback(tmp_path: Path) -> None:
    code = "def load():\n    raise RuntimeError('no weights')\ndef predict(model, request): ..."
    async with world([handler("f", tmp_path, code)], tmp_path / "state") as here:
        await here.start()
        failed = await here.refused("f")
        assert failed.blame
        assert "exited with status 1" in failed.error
        assert "no weights" in failed.error


async def test_a_handler_without_predict_is_told_so(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, "def load(): ...")], tmp_path / "state") as here:
        await here.start()
        assert "has no function predict" in (await here.refused("f")).error


async def test_a_crash_while_loading_fails_the_call_that_loads(tmp_path: Path) -> None:
    code = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"
    async with world([handler("f", tmp_path, code)], tmp_path / "state") as here:
        await here.start()
        here.run("f")
        failed = await here.expect(ev.Failed)
        assert failed.kind is ev.FailureKind.LOAD
        assert "SIGSEGV" in failed.error


async def test_a_load_may_not_take_for_ever(tmp_path: Path) -> None:
    code = "import signal\nsignal.pause()"
    package = handler("f", tmp_path, code, load_timeout_s=0.2)
    async with world([package], tmp_path / "state") as here:
        await here.start()
        failed = await here.refused("f")
        assert failed.blame
        assert "not ready within 0.2 s" in failed.error
        here.run("f")
        assert (await here.expect(ev.Failed)).kind is ev.FailureKind.LOAD


async def test_an_error_in_predict_leaves_the_function_loaded(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, RAISES)], tmp_path / "state") as here:
        await here.start()
        await here.load("f")
        for call in ("c1", "c2"):
            here.run("f", call)
            assert (await here.expect(ev.Started)).report is None
            failed = await here.expect(ev.Failed)
            assert failed.kind is ev.FailureKind.ERROR
            assert failed.error == "ValueError: this is no cat"


async def test_a_crash_while_running_comes_back_with_the_last_words(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, CRASHES)], tmp_path / "state") as here:
        await here.start()
        here.run("f")
        await here.expect(ev.Started)
        failed = await here.expect(ev.Failed)
        assert failed.kind is ev.FailureKind.CRASH
        assert "exited with status 3" in failed.error
        assert "last words" in failed.error


async def test_the_death_of_an_idle_function_is_noticed(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, ECHO)], tmp_path / "state") as here:
        await here.start()
        await here.load("f")
        (victim,) = _functions(here.folder())
        os.kill(victim, signal.SIGKILL)
        gone = await here.expect(ev.Offloaded)
        assert gone.error == "killed by SIGKILL"
        await here.load("f")


async def test_what_a_function_has_started_goes_with_it(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, FAMILY)], tmp_path / "state") as here:
        await here.start()
        await here.load("f")
        assert len(_functions(here.folder())) == 3
        here.submit(Offload("i1", "f"))
        await here.expect(ev.Offloaded)
        assert not _functions(here.folder())


async def test_nothing_outlives_a_killed_manager(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, FAMILY)], tmp_path / "state") as here:
        await here.start()
        await here.load("f")
        folder = here.folder()
        here.submit(Load("i1", "f", Tier.LIBRARY))
        await here.expect(ev.LoadFailed)
        here.kill()
        gone = await here.expect(ev.InstanceGone)
        assert gone.error == "the manager was killed by SIGKILL"
        assert not processes.of_instance(folder)
        assert not folder.exists()


async def test_the_end_of_the_manager_is_the_only_answer_to_what_was_open(tmp_path: Path) -> None:
    packages = [handler(name, tmp_path, "import signal\nsignal.pause()") for name in "fg"]
    async with world(packages, tmp_path / "state") as here:
        await here.start()
        for name in "fg":
            here.submit(Load("i1", name, Tier.HOST))
        os.kill(manager := processes.manager_of(here.folder()), signal.SIGSTOP)
        here.submit(Offload("i1", "f"))
        os.kill(manager, signal.SIGKILL)
        assert (await here.expect(ev.InstanceGone)).error == "the manager was killed by SIGKILL"


@pytest.mark.slow
async def test_a_manager_that_does_not_react_is_stopped_all_the_same(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, ECHO)], tmp_path / "state") as here:
        await here.start()
        await here.load("f")
        os.kill(processes.manager_of(here.folder()), signal.SIGSTOP)
        here.submit(StopInstance("i1"))
        assert (await here.expect(ev.InstanceGone)).error is None


async def test_an_instance_refuses_functions_of_others(tmp_path: Path) -> None:
    package = handler("f", tmp_path, ECHO, owner="somebody-else")
    async with world([package], tmp_path / "state") as here:
        await here.start()
        assert "belongs to somebody-else" in (await here.refused("f")).error
        here.run("f")
        assert "belongs to somebody-else" in (await here.expect(ev.Failed)).error


async def test_a_load_that_cannot_fit_is_refused(tmp_path: Path) -> None:
    package = handler("f", tmp_path, ECHO, memory_bytes=100 * MIB)
    async with world([package], tmp_path / "state") as here:
        await here.start(limit_bytes=64 * MIB)
        failed = await here.refused("f")
        assert not failed.blame
        assert f"expected to hold {100 * MIB} bytes" in failed.error


async def test_measurements_follow_a_run(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, GROWS)], tmp_path / "state") as here:
        await here.start()
        before = (await here.load("f")).memory_bytes
        await here.text("f")
        after = (await here.expect(ev.Measured)).memory_bytes
        assert after["f"] > before + 99 * MIB


async def test_over_the_limit_idle_functions_go_before_the_one_that_grew(tmp_path: Path) -> None:
    idle = ECHO.replace("return None", "return b'x' * (40 << 20)", 1)
    packages = [handler("f", tmp_path, GROWS_AND_HANGS), handler("g", tmp_path, idle)]
    async with world(packages, tmp_path / "state") as here:
        await here.start(limit_bytes=160 * MIB)
        await here.load("g")
        here.run("f", keep=frozenset("g"))
        await here.expect(ev.Started)
        gone = await here.expect(ev.Offloaded)
        assert gone.function == "g"
        assert "over its memory limit" in str(gone.error)


async def test_a_function_may_not_allocate_more_than_its_limit(tmp_path: Path) -> None:
    package = handler("f", tmp_path, GROWS.replace("100 <<", "2000 <<"))
    async with world([package], tmp_path / "state") as here:
        await here.start()
        here.run("f")
        await here.expect(ev.Started)
        failed = await here.expect(ev.Failed)
        assert failed.kind is ev.FailureKind.ERROR
        assert "MemoryError" in failed.error


async def test_a_run_without_an_open_call_fails(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, ECHO)], tmp_path / "state") as here:
        await here.start()
        here.submit(Run("c9", "i1", "f", Tier.HOST, here.now_s() + 10))
        assert (await here.expect(ev.Failed)).kind is ev.FailureKind.CANCELLED


async def test_closing_stops_what_runs(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, HANG)], tmp_path / "state") as here:
        await here.start()
        folder = here.folder()
        here.run("f")
        await here.expect(ev.Started)
    assert not processes.of_instance(folder)


async def test_what_a_killed_server_left_is_removed(tmp_path: Path) -> None:
    stale = tmp_path / "state" / "instances-4194305" / "i1"
    stale.mkdir(parents=True)
    async with world([handler("f", tmp_path, ECHO)], tmp_path / "state") as here:
        assert not stale.exists()
        await here.start()


def _functions(folder: Path) -> list[int]:
    manager = processes.manager_of(folder)
    return [pid for pid in processes.of_instance(folder) if pid != manager]
