"""What a function can see and do: with isolation, which takes root, and without."""

import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from executor.actions import Offload
from executor.events import Offloaded
from executor.runtimes.fleet import FIRST_UID
from executor.units import MIB
from tests.executor.runtimes.worlds import LIMIT_BYTES, handler, world

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="users of their own take root")

pytestmark = pytest.mark.anyio

LOOKS = """
import json, os, resource
from pathlib import Path

def load():
    home = Path(os.environ["HOME"])
    (home / "secret").write_text(os.environ["HEADSTART_FUNCTION"])
    Path(os.environ.get("PUBLIC", "/dev/null")).write_text("mine")
    return home

def look(home):
    status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
    return {
        "home": str(home),
        "uid": os.getuid(),
        "groups": os.getgroups(),
        "no_new_privileges": int(status["NoNewPrivs"]),
        "capabilities": int(status["CapEff"], 16),
        "session": os.getsid(0) == os.getpid(),
        "files": sorted(int(name) for name in os.listdir("/proc/self/fd")),
        "temporary": sorted(os.listdir("/tmp")),
        "environment": dict(os.environ),
        "data": resource.getrlimit(resource.RLIMIT_DATA),
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "folder": os.getcwd(),
    }

def predict(home, request):
    (path,) = request.inputs["x"].data
    try:
        found = Path(path).read_text() if path else ""
    except OSError as error:
        found = type(error).__name__
    return {"y": json.dumps({**look(home), "found": found})}
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def looks(name: str, folder: Path, **fields: Any) -> Any:
    return handler(name, folder, LOOKS, **fields)


@needs_root
async def test_a_function_has_no_privileges(tmp_path: Path) -> None:
    async with world([looks("f", tmp_path)], tmp_path / "state") as here:
        await here.start()
        seen = json.loads(await here.text("f"))
    assert seen["uid"] >= FIRST_UID
    assert seen["groups"] == []
    assert seen["no_new_privileges"] == 1
    assert seen["capabilities"] == 0
    assert seen["session"]


@needs_root
async def test_functions_cannot_read_each_others_files(tmp_path: Path) -> None:
    names = frozenset("fg")
    async with world([looks(name, tmp_path) for name in names], tmp_path / "state") as here:
        await here.start()
        f = json.loads(await here.text("f", keep=names))
        g = json.loads(await here.text("g", f"{f['home']}/secret", keep=names))
        own = json.loads(await here.text("f", f"{f['home']}/secret", keep=names))
    assert f["uid"] != g["uid"]
    assert g["found"] in ("PermissionError", "FileNotFoundError", "g")
    assert own["found"] == "f"


@needs_root
async def test_temporary_files_are_private_and_do_not_last(tmp_path: Path) -> None:
    public = Path("/tmp", f"public-{uuid4()}")
    package = looks("f", tmp_path, environment={"PUBLIC": str(public)})
    async with world([package], tmp_path / "state") as here:
        await here.start()
        seen = json.loads(await here.text("f"))
        assert not public.exists()
        here.submit(Offload("i1", "f"))
        await here.expect(Offloaded)
        assert [one.name for one in (here.folder() / "cells").iterdir()] == ["view"]
    assert public.name in seen["temporary"]


@needs_root
async def test_what_lies_behind_a_closed_folder_is_reachable(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    weights = closed / "models" / "weights"
    weights.parent.mkdir()
    weights.write_text("42")
    (closed / "other").write_text("not for functions")
    package = looks("f", closed, files=(weights,))
    async with world([package], closed / "state") as here:
        await here.start()
        assert json.loads(await here.text("f", str(weights)))["found"] == "42"
        other = json.loads(await here.text("f", str(closed / "other")))
    assert other["found"] == "FileNotFoundError"
    assert other["folder"] == str(closed / "f")


@needs_root
async def test_an_interpreter_behind_a_closed_folder_imports_lazily_all_the_same(
    tmp_path: Path,
) -> None:
    code = LOOKS.replace("    (path,) =", "    import cProfile, sqlite3\n    (path,) =")
    async with world([handler("f", tmp_path, code)], tmp_path / "state") as here:
        await here.start()
        seen = json.loads(await here.text("f", sys.base_prefix + "/secret"))
    assert seen["found"] == "FileNotFoundError"


@needs_root
async def test_a_closed_file_is_named(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.touch(mode=0o600)
    package = looks("f", tmp_path, files=(weights,))
    async with world([package], tmp_path / "state") as here:
        await here.start()
        failed = await here.refused("f")
    assert failed.error == f"{weights} is closed to other users: mode 0600"


async def test_a_function_gets_only_its_own_open_files(tmp_path: Path) -> None:
    names = frozenset("fg")
    async with world([looks(name, tmp_path) for name in names], tmp_path / "state") as here:
        await here.start()
        await here.text("f", keep=names)
        seen = json.loads(await here.text("g", keep=names))
    assert seen["files"][:4] == [0, 1, 2, 3]
    assert len(seen["files"]) == 5, "the fifth is the folder being listed"


async def test_the_servers_environment_is_not_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "secret")
    package = looks("f", tmp_path, environment={"COLOUR": "blue", "HOME": "/elsewhere"})
    async with world([package], tmp_path / "state") as here:
        await here.start()
        seen = json.loads(await here.text("f"))["environment"]
    assert "PASSWORD" not in seen
    assert seen["COLOUR"] == "blue"
    assert seen["HOME"] != "/elsewhere"


async def test_limits_are_set(tmp_path: Path) -> None:
    async with world([looks("f", tmp_path)], tmp_path / "state") as here:
        await here.start()
        seen = json.loads(await here.text("f"))
    stacks_bytes = 32 * MIB * (os.cpu_count() or 1)
    assert seen["data"] == [LIMIT_BYTES + stacks_bytes] * 2
    assert seen["core"] == [0, 0]


async def test_without_isolation_functions_share_our_user(tmp_path: Path) -> None:
    async with world([looks("f", tmp_path)], tmp_path / "state", isolate=False) as here:
        await here.start()
        seen = json.loads(await here.text("f"))
    assert seen["uid"] == os.getuid()
    assert seen["no_new_privileges"] == 1
