"""Functions restored from snapshots, by the criu that there is."""

import json
import logging
from pathlib import Path

import pytest

from executor import events as ev
from executor.actions import Load, Offload, StartInstance, StopInstance
from executor.domain import Tier
from executor.errors import PermanentFailure
from executor.runtimes.snapshots import find_criu
from tests.executor.runtimes import processes
from tests.executor.runtimes.worlds import (
    ECHO,
    LIMIT_BYTES,
    World,
    handler,
    script,
    world,
)

pytestmark = pytest.mark.anyio

COUNTS = """
import json, os, resource

def load():
    return {"loaded": os.urandom(8).hex(), "calls": 0}

def predict(model, request):
    model["calls"] += 1
    status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    return {"y": json.dumps({
        **model,
        "uid": os.getuid(),
        "groups": os.getgroups(),
        "capabilities": int(status["CapPrm"], 16),
        "bounded": int(status["NoNewPrivs"]),
        "limit": resource.getrlimit(resource.RLIMIT_DATA)[0],
        "folder": os.getcwd(),
    })}
"""

LINES = """
import json
print(json.dumps({"ready": True}), flush=True)
for number in range(9):
    input()
    output = {"name": "y", "datatype": "BYTES", "shape": [1], "data": [str(number)]}
    print(json.dumps({"outputs": [output]}), flush=True)
    print(json.dumps({"ready": True}), flush=True)
"""

KEEPS_FILES = """
import fcntl, tempfile

def load():
    kept = tempfile.NamedTemporaryFile("w", delete=False)
    kept.write("kept by " + kept.name)
    kept.flush()
    fcntl.flock(kept, fcntl.LOCK_EX)
    return kept

def predict(model, request):
    model.write("!")
    model.flush()
    return {"y": open(model.name).read()}
"""

LEAVES_A_PROCESS = """
import os, signal

def load():
    if os.fork() == 0:
        if os.fork() == 0:
            signal.pause()
        os._exit(0)
    os.wait()

def predict(model, request):
    return request.inputs
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def criu() -> str:
    """Return the program; without one that works a test is skipped."""
    try:
        return find_criu()
    except PermanentFailure as error:
        pytest.skip(str(error))


async def offload(here: World, function: str) -> None:
    here.submit(Offload("i1", function))
    assert (await here.expect(ev.Offloaded)).error is None


async def texts(here: World, function: str, count: int) -> list[str]:
    """Load a function, call it and take it away, over and over."""
    said = []
    for _ in range(count):
        await here.load(function)
        said.append(await here.text(function))
        await offload(here, function)
    return said


@pytest.mark.usefixtures("criu")
async def test_what_was_loaded_once_is_there_again(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, COUNTS)], tmp_path / "s", snapshots=True) as here:
        await here.start()
        loaded, *restored = [json.loads(text) for text in await texts(here, "f", 3)]
    assert all(one == loaded for one in restored)


@pytest.mark.usefixtures("criu")
async def test_a_restored_function_has_no_rights(tmp_path: Path) -> None:
    packages = [handler(name, tmp_path, COUNTS) for name in "fg"]
    async with world(packages, tmp_path / "s", snapshots=True) as here:
        await here.start()
        seen = {name: json.loads((await texts(here, name, 2))[1]) for name in "fg"}
    for name, restored in seen.items():
        assert (restored["capabilities"], restored["bounded"], restored["groups"]) == (0, 1, [])
        assert restored["folder"] == str(tmp_path / name)
        assert restored["limit"] > 0
    assert seen["f"]["uid"] != seen["g"]["uid"] != 0


@pytest.mark.usefixtures("criu")
async def test_instances_restore_each_others_functions_and_end_alone(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, COUNTS)], tmp_path / "s", snapshots=True) as here:
        here.submit(StartInstance("i2", "w", "o", LIMIT_BYTES))
        await here.expect(ev.InstanceReady)
        here.submit(Load("i2", "f", Tier.HOST))
        await here.expect(ev.Loaded)
        await here.start()
        await here.load("f")
        here.submit(StopInstance("i2"))
        await here.expect(ev.Offloaded)
        await here.expect(ev.InstanceGone)
        assert json.loads(await here.text("f"))["calls"] == 1


@pytest.mark.usefixtures("criu")
async def test_scripts_are_restored_too(tmp_path: Path) -> None:
    async with world([script("f", tmp_path, LINES)], tmp_path / "s", snapshots=True) as here:
        await here.start()
        assert await texts(here, "f", 3) == ["0", "0", "0"]


@pytest.mark.usefixtures("criu")
async def test_nothing_of_a_restored_function_is_left(tmp_path: Path) -> None:
    async with world([handler("f", tmp_path, COUNTS)], tmp_path / "s", snapshots=True) as here:
        await here.start()
        await texts(here, "f", 2)
        manager = processes.manager_of(here.folder())
        assert list(processes.of_instance(here.folder())) == [manager]


@pytest.mark.usefixtures("criu")
async def test_files_that_a_function_has_written_are_there_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with world([handler("f", tmp_path, KEEPS_FILES)], tmp_path / "s", snapshots=True) as here:
        await here.start()
        loaded, restored = await texts(here, "f", 2)
    assert restored == loaded
    assert loaded.startswith("kept by /tmp/")
    assert not warnings_of(caplog)


@pytest.mark.usefixtures("criu")
async def test_what_cannot_be_kept_is_loaded_as_ever_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    package = handler("f", tmp_path, LEAVES_A_PROCESS)
    async with world([package], tmp_path / "s", snapshots=True) as here:
        await here.start()
        for _ in range(2):
            await here.load("f")
            await here.answer("f")
            await offload(here, "f")
    (record,) = warnings_of(caplog)
    assert "no snapshot of f, it is loaded without: it has started processes" in record


@pytest.mark.usefixtures("criu")
async def test_a_broken_snapshot_is_said_and_the_function_loaded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with world([handler("f", tmp_path, ECHO)], tmp_path / "s", snapshots=True) as here:
        await here.start()
        await here.load("f")
        await offload(here, "f")
        (image,) = tmp_path.glob("s/*/snapshots/*/core-*.img")
        image.write_bytes(b"broken")
        await here.load("f")
        await here.answer("f")
    (record,) = warnings_of(caplog)
    assert "no snapshot of f" in record


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


def test_a_missing_criu_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PermanentFailure, match=r"package criu .* there is no criu in PATH"):
        find_criu()


def test_a_criu_that_does_not_work_here_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    old = tmp_path / "criu"
    old.write_text("#!/bin/sh\necho 'vdso is too large' >&2; exit 1\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PermanentFailure, match=f"{old} check says: vdso is too large"):
        find_criu()
