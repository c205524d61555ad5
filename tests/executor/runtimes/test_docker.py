"""Real containers: what functions see in them, and what happens when they die."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import docker
import pytest

from executor import events as ev
from executor.actions import CancelRun, StartInstance, StopInstance
from executor.errors import PermanentFailure, RuntimeFailure
from executor.runtimes.docker import Address
from executor.runtimes.docker.container import CAPABILITIES
from executor.runtimes.docker.engine import Engine
from executor.runtimes.fleet import FIRST_UID
from executor.units import MIB
from tests.executor.runtimes.containers import ContainerWorld, engine_url, world
from tests.executor.runtimes.worlds import ECHO, HANG, LIMIT_BYTES, handler, sharing

pytestmark = [pytest.mark.anyio, pytest.mark.docker]

LOOKS = """
import json, os
from pathlib import Path

def load():
    home = Path(os.environ["HOME"])
    (home / "secret").write_text("mine")
    return home

def writable(path):
    try:
        (Path(path) / "mark").write_text("was here")
    except OSError:
        return False
    return True

def predict(home, request):
    (path,) = request.inputs["x"].data
    status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    try:
        found = Path(path).read_text()
    except OSError as error:
        found = type(error).__name__
    return {"y": json.dumps({
        "found": found,
        "home": str(home),
        "uid": os.getuid(),
        "groups": os.getgroups(),
        "no_new_privileges": int(status["NoNewPrivs"]),
        "capabilities": int(status["CapEff"], 16),
        "devices": os.listdir("/sys/class/net"),
        "writable": [one for one in WRITABLE if writable(one)],
        "environment": dict(os.environ),
        "manager": Path("/proc/1/cmdline").read_text().split("\\0"),
    })}

WRITABLE = ["/", "/tmp", "/var/tmp", "/dev", "/run", "/run/cells", "/run/headstart", os.getcwd()]
"""

FAMILY = """
import os, subprocess, sys
from pathlib import Path

PROGRAM = "import signal; signal.pause()"

def load():
    subprocess.Popen([sys.executable, "-c", PROGRAM])
    if os.fork() == 0:
        os.setsid()
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM])

def predict(model, request):
    return request.inputs
"""

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
USES_NUMPY = """
import numpy

def load():
    return numpy.arange(3)

def predict(model, request):
    return {"y": f"{numpy.__version__} {model.sum()} {numpy.__file__}"}
"""

GREEDY = """
import subprocess, sys

PROGRAM = "held = bytearray(b'x') * (150 << 20)"

def load():
    return None

def predict(model, request):
    greedy = [subprocess.Popen([sys.executable, "-c", PROGRAM]) for _ in range(4)]
    held = bytearray(b"x") * (150 << 20)
    return {"y": str([one.wait() for one in greedy])}
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_function_has_no_rights_and_nothing_to_write_to_but_its_home(
    tmp_path: Path,
) -> None:
    names = frozenset("fg")
    packages = [handler(name, tmp_path, LOOKS) for name in names]
    async with world(packages, tmp_path / "state") as here:
        await here.start()
        f = json.loads(await here.text("f", "/etc/shadow", keep=names))
        g = json.loads(await here.text("g", f"{f['home']}/secret", keep=names))
        own = json.loads(await here.text("f", f"{f['home']}/secret", keep=names))
    assert f["uid"] >= FIRST_UID
    assert f["uid"] != g["uid"]
    assert f["groups"] == []
    assert f["no_new_privileges"] == 1
    assert f["capabilities"] == 0
    assert f["devices"] == ["lo"]
    assert f["writable"] == []
    assert f["found"] == g["found"] == "PermissionError"
    assert own["found"] == "mine"


async def test_the_manager_is_the_containers_first_process(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, LOOKS)], tmp_path / "state") as here:
        await here.start()
        seen = json.loads(await here.text("f", "/dev/null"))
    assert "executor.proxy" in seen["manager"]
    assert "PASSWORD" not in seen["environment"]


async def test_a_container_is_confined(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, ECHO)], tmp_path / "state") as here:
        await here.start()
        settings = here.container()["HostConfig"]
        labels = here.container()["Config"]["Labels"]
    assert settings["Memory"] == settings["MemorySwap"] == LIMIT_BYTES
    assert settings["PidsLimit"] > 0
    assert settings["NanoCpus"] > 0
    assert settings["ReadonlyRootfs"]
    assert settings["NetworkMode"] == "none"
    assert settings["CapDrop"] == ["ALL"]
    assert sorted(one.removeprefix("CAP_") for one in settings["CapAdd"]) == list(CAPABILITIES)
    assert settings["SecurityOpt"] == ["no-new-privileges:true"]
    assert not settings["Privileged"]
    assert (labels["headstart.instance"], labels["headstart.owner"]) == ("i1", "o")


async def test_a_container_has_the_functions_of_its_owner_alone(tmp_path: Path) -> None:
    other = handler("g", tmp_path, ECHO, owner="p")
    async with world([handler("f", tmp_path, LOOKS), other], tmp_path / "state") as here:
        await here.start()
        seen = json.loads(await here.text("f", str(other.folder / "handler.py")))
    assert seen["found"] == "FileNotFoundError"


async def test_functions_share_libraries_of_the_servers_environment(tmp_path: Path) -> None:
    packages = [
        sharing(handler(name, tmp_path, USES_NUMPY, environment=ONE_THREAD), "numpy")
        for name in "fg"
    ]
    async with world(packages, tmp_path / "state") as here:
        await here.start()
        first = await here.load("f")
        second = await here.load("g")
        version, total, file = (await here.text("g", keep=frozenset("f"))).split()
    assert first.library_bytes > 0
    assert second.memory_bytes < first.library_bytes
    assert total == "3"
    assert version
    assert file.startswith("/opt/headstart/environment/")


async def test_what_a_function_has_started_goes_with_it(tmp_path: Path) -> None:
    packages = [handler("f", tmp_path, FAMILY), handler("g", tmp_path, ECHO)]
    async with world(packages, tmp_path / "state") as here:
        await here.start()
        await here.load("f")
        assert _count(here) == 4
        here.run("g")
        assert (await here.expect(ev.Offloaded)).function == "f"
        await here.expect(ev.Started)
        assert _count(here) == 2
        await here.expect(ev.Completed)


async def test_a_killed_container_is_said_to_be_gone(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, ECHO)], tmp_path / "state") as here:
        await here.start()
        await here.load("f")
        here.kill()
        assert (await here.expect(ev.InstanceGone)).error == "the manager ended with status 137"
        assert not _containers(here)


async def test_what_could_not_be_removed_is_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unanswered(_: Engine, __: str) -> None:
        raise RuntimeFailure("engine w does not answer")

    async with world([handler("f", tmp_path, ECHO)], tmp_path / "state") as here:
        await here.start()
        with monkeypatch.context() as patch:
            patch.setattr(Engine, "remove", unanswered)
            here.kill()
            assert (await here.expect(ev.InstanceGone)).error == "engine w does not answer"
        assert len(_containers(here)) == 1
        server = here.server
    with docker.APIClient(engine_url(), version="auto") as api:
        assert not api.containers(all=True, filters={"label": f"headstart.server={server}"})


async def test_several_engines_are_several_workers(tmp_path: Path) -> None:
    """Both are the same one here, by another path."""
    there = tmp_path / "socket"
    there.symlink_to(engine_url().removeprefix("unix://"))
    engines = {"w": Address(engine_url()), "v": Address(f"unix://{there}")}
    async with world([handler("f", tmp_path, ECHO)], tmp_path / "state", engines=engines) as here:
        await here.start()
        here.submit(StartInstance("i2", "v", "o", LIMIT_BYTES))
        await here.expect(ev.InstanceReady)
        for instance_id in ("i1", "i2"):
            await here.load("f", instance_id=instance_id)
            label = here.container(instance_id)["Config"]["Labels"]["headstart.papers"]
            assert json.loads(label)["start"]["worker"] == ("w" if instance_id == "i1" else "v")


async def test_stopping_from_outside_ends_an_instance_in_order(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, ECHO)], tmp_path / "state") as here:
        await here.start()
        await here.load("f")
        here.api.stop(here.container()["Id"])
        await here.expect(ev.Offloaded)
        assert (await here.expect(ev.InstanceGone)).error == "the manager ended with status 0"


async def test_a_container_that_is_still_starting_can_be_stopped(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, ECHO)], tmp_path / "state") as here:
        here.submit(StartInstance("i1", "w", "o", LIMIT_BYTES))
        here.submit(StopInstance("i1"))
        event = await here.next_event()
        if isinstance(event, ev.InstanceReady):
            event = await here.next_event()
        assert isinstance(event, ev.InstanceGone)
        assert event.error is None
        assert not _containers(here)


async def test_a_container_too_small_for_its_manager_says_so(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, ECHO)], tmp_path / "state") as here:
        here.submit(StartInstance("i1", "w", "o", 6 * MIB))
        gone = await here.expect(ev.InstanceGone)
        assert gone.error == "the manager ended with status 137, out of memory"


@pytest.mark.slow
async def test_a_paused_manager_is_stopped_all_the_same(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, ECHO)], tmp_path / "state") as here:
        await here.start()
        here.api.pause(here.container()["Id"])
        here.submit(StopInstance("i1"))
        assert (await here.expect(ev.InstanceGone)).error is None
        assert not _containers(here)


async def test_the_limit_follows_the_call(tmp_path: Path) -> None:
    small = handler("f", tmp_path, HANG, memory_limit_bytes=128 * MIB)
    async with world([small, handler("g", tmp_path, ECHO)], tmp_path / "state") as here:
        await here.start()
        await here.load("g")
        assert here.limit_bytes() == LIMIT_BYTES
        here.run("f")
        await here.expect(ev.Offloaded)
        await here.expect(ev.Started)
        await here.limit_becomes(128 * MIB)
        here.submit(CancelRun("c1", "i1"))
        await here.expect(ev.Failed)
        await here.limit_becomes(LIMIT_BYTES)


async def test_a_call_that_others_share_leaves_the_limit(tmp_path: Path) -> None:
    small = handler("f", tmp_path, ECHO, memory_limit_bytes=128 * MIB)
    async with world([small, handler("g", tmp_path, ECHO)], tmp_path / "state") as here:
        await here.start()
        await here.load("g")
        here.run("f", keep=frozenset("g"))
        await here.expect(ev.Started)
        assert here.limit_bytes() == LIMIT_BYTES
        await here.expect(ev.Completed)


async def test_a_lack_of_memory_is_named(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, GREEDY)], tmp_path / "state") as here:
        await here.start()
        here.run("f")
        await here.expect(ev.Started)
        failed = await here.expect(ev.Failed)
        assert failed.kind is ev.FailureKind.CRASH
        assert "memory" in failed.error


async def test_memory_is_read_from_the_control_group(tmp_path: Path) -> None:
    holds = ECHO.replace("return None", "return bytearray(b'x') * (64 << 20)", 1)
    async with world([handler("f", tmp_path, holds)], tmp_path / "state") as here:
        await here.start()
        before = here.runtime.memory_bytes()["i1"]
        await here.load("f")
        after = here.runtime.memory_bytes()["i1"]
    assert before > 0
    assert after - before > 64 * MIB


async def test_a_closed_folder_is_named(tmp_path: Path) -> None:
    package = handler("f", tmp_path, ECHO)
    package.folder.chmod(0o700)
    async with world([package], tmp_path / "state") as here:
        await here.start()
        assert "is closed to other users: mode 0700" in (await here.refused("f")).error


async def test_containers_of_a_killed_server_end_and_are_removed_by_the_next(
    tmp_path: Path,
) -> None:
    program = (
        "import asyncio, os, signal\n"
        "from pathlib import Path\n"
        "from tests.executor.runtimes.containers import world\n"
        "async def main():\n"
        f"    async with world([], Path({str(tmp_path / 'state')!r})) as here:\n"
        "        await here.start()\n"
        "        print(here.container()['Id'], flush=True)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    left = done.stdout.strip()
    with docker.APIClient(engine_url(), version="auto") as api:
        while left in [one["Id"] for one in api.containers()]:
            await asyncio.sleep(0.01)
        assert left in [one["Id"] for one in api.containers(all=True)]
    async with world([handler("f", tmp_path, ECHO)], tmp_path / "state") as here:
        ids = [one["Id"] for one in here.api.containers(all=True)]
        assert left not in ids
        await here.start()


async def test_a_second_server_leaves_the_first_ones_containers(tmp_path: Path) -> None:
    packages = [handler("f", tmp_path, ECHO)]
    first = ContainerWorld(packages, tmp_path / "state", {"w": Address(engine_url())})
    await first.runtime.open(first.events.put_nowait)
    await first.start()
    second = ContainerWorld(packages, tmp_path / "state", {"w": Address(engine_url())})
    await second.runtime.open(second.events.put_nowait)
    await second.runtime.close()
    await first.load("f")
    await first.runtime.close()


async def test_a_missing_image_is_named(tmp_path: Path) -> None:
    made = ContainerWorld([], tmp_path, {"w": Address(engine_url())}, image="headstart-nothing")
    with pytest.raises(PermanentFailure, match="engine w has no image headstart-nothing"):
        await made.runtime.open(made.events.put_nowait)


async def test_an_engine_that_does_not_answer_is_named(tmp_path: Path) -> None:
    made = ContainerWorld([], tmp_path, {"w": Address(f"unix://{tmp_path}/nowhere")})
    with pytest.raises(RuntimeFailure, match=r"engine w at unix://.*/nowhere does not answer"):
        await made.runtime.open(made.events.put_nowait)


@pytest.mark.slow
async def test_many_containers_are_observed_at_once(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, ECHO)], tmp_path / "state") as here:
        for number in range(20):
            here.submit(StartInstance(f"n{number}", "w", "o", 64 * MIB))
        for _ in range(20):
            await here.expect(ev.InstanceReady)
        held = here.runtime.memory_bytes()
    assert len(held) == 20
    assert all(held.values())


def _count(here: ContainerWorld) -> int:
    return len(here.api.top(here.container()["Id"])["Processes"])


def _containers(here: ContainerWorld) -> list[str]:
    filters = {"label": f"headstart.server={here.server}"}
    return [one["Id"] for one in here.api.containers(all=True, filters=filters)]
