"""The parts of the Docker runtime that need no engine."""

import asyncio
import struct
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.errors import PermanentFailure
from executor.runtimes.docker import cgroup, environment
from executor.runtimes.docker.channel import Pieces
from executor.runtimes.docker.container import ContainerOptions, needs_of
from executor.runtimes.docker.deaths import Deaths
from executor.runtimes.docker.limit import MemoryLimit
from executor.units import MIB
from tests.executor.runtimes.worlds import ECHO, handler

ID = "c0ffee"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def group(folder: Path, files: dict[str, str], process: str, mount: str) -> Path:
    """Write a container's control group and what the kernel says of where it is."""
    place = folder / "mount" / "docker" / ID
    place.mkdir(parents=True)
    for name, text in files.items():
        (place / name).write_text(text)
    (folder / "proc" / "7").mkdir(parents=True)
    (folder / "proc" / "7" / "cgroup").write_text(process)
    (folder / "proc" / "self").mkdir()
    (folder / "proc" / "self" / "mounts").write_text(mount.format(folder / "mount"))
    return place


def version_1(folder: Path) -> Path:
    files = {
        "memory.usage_in_bytes": "1000\n",
        "memory.limit_in_bytes": "5000\n",
        "memory.stat": "inactive_file 1\ntotal_cache 500\ntotal_inactive_file 300\n",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    }
    process = f"9:cpu,cpuacct:/docker/{ID}\n4:memory:/docker/{ID}\n0::/system.slice\n"
    mount = "cgroup2 /nowhere cgroup2 rw 0 0\ncgroup {} cgroup rw,relatime,memory 0 0\n"
    return group(folder, files, process, mount)


def version_2(folder: Path) -> Path:
    files = {
        "memory.current": "1000\n",
        "memory.max": "max\n",
        "memory.stat": "anon 500\nfile 400\ninactive_file 300\n",
        "memory.events": "low 0\nhigh 0\nmax 5\noom 2\noom_kill 2\n",
    }
    mount = "proc /proc proc rw 0 0\ncgroup2 {} cgroup2 rw,nosuid 0 0\n"
    return group(folder, files, f"0::/docker/{ID}\n", mount)


@pytest.mark.parametrize(
    ("version", "limit"), [(version_1, "memory.limit_in_bytes"), (version_2, "memory.max")]
)
def test_both_versions_of_control_groups_are_read_and_limited(
    tmp_path: Path, version: Any, limit: str
) -> None:
    place = version(tmp_path)
    found = cgroup.find(7, ID, tmp_path / "proc")
    assert found is not None
    assert found.memory_bytes() == 700
    assert found.oom_kills() == 2
    assert found.writable
    found.set_limit(2000)
    assert (place / limit).read_text() == "2000"


def test_a_control_group_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    place = version_2(tmp_path)
    found = cgroup.find(7, ID, tmp_path / "proc")
    assert found is not None
    for file in place.iterdir():
        file.unlink()
    place.rmdir()
    assert found.memory_bytes() == found.oom_kills() == 0
    assert not found.writable
    found.set_limit(2000)


@pytest.mark.parametrize(("pid", "container"), [(8, ID), (7, "another")])
def test_a_control_group_of_another_machine_is_not_found(
    tmp_path: Path, pid: int, container: str
) -> None:
    version_2(tmp_path)
    assert cgroup.find(pid, container, tmp_path / "proc") is None


OPTIONS = ContainerOptions(
    image="base",
    server="s",
    installed=Path("/packages"),
    instance_id="i1",
    owner="o",
    limit_bytes=256 * MIB,
    cpus=1.5,
    base_uid=1000,
    needs=(Path("/functions/f"), Path("/models/f")),
    folder=Path("/state/i1"),
)


def test_all_but_the_folder_of_the_socket_is_read_only() -> None:
    settings = OPTIONS.config()["HostConfig"]
    writable = [one["Target"] for one in settings["Mounts"] if not one["ReadOnly"]]
    assert writable == ["/run/headstart"]
    assert list(settings["Tmpfs"]) == ["/run/cells"]
    assert settings["NanoCpus"] == 1_500_000_000
    needs = {one["Source"] for one in settings["Mounts"]}
    assert needs >= {"/packages", "/functions/f", "/models/f"}


def test_on_another_machine_the_socket_lies_in_memory() -> None:
    settings = replace(OPTIONS, folder=None).config()["HostConfig"]
    assert all(one["ReadOnly"] for one in settings["Mounts"])
    assert set(settings["Tmpfs"]) == {"/run/cells", "/run/headstart"}


def test_an_owner_needs_folders_and_files_but_none_twice(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    f = handler("f", tmp_path, ECHO, files=(weights, tmp_path / "f" / "inner"))
    g = handler("g", tmp_path, ECHO, owner="p")
    assert needs_of([f, g], "o") == (tmp_path / "f", weights)
    assert needs_of([f, g], "") == ()


@given(st.lists(st.binary(max_size=40)), st.integers(1, 30))
def test_pieces_carry_what_was_put_in_however_they_are_cut(texts: list[bytes], size: int) -> None:
    stream = b"".join(struct.pack(">BxxxL", 1, len(text)) + text for text in texts)
    pieces = Pieces()
    cuts = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert b"".join(map(pieces.feed, cuts)) == b"".join(texts)


def test_packages_are_those_of_the_interpreter() -> None:
    assert (environment.packages_of(Path(sys.executable)) / "pytest").is_dir()


def test_an_interpreter_that_does_not_fit_the_image_is_named(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho '[\"/packages\", 3, 9]'\n")
    python.chmod(0o755)
    with pytest.raises(PermanentFailure, match=r"is Python 3\.9; expected 3\.11"):
        environment.packages_of(python)


@pytest.mark.anyio
async def test_limits_change_one_at_a_time_and_the_last_one_wins() -> None:
    asked: list[int] = []
    gate = asyncio.Event()

    async def change(limit_bytes: int) -> None:
        asked.append(limit_bytes)
        await gate.wait()

    limit = MemoryLimit(10, change)
    limit.set(10)
    await limit.settled()
    limit.set(5)
    await asyncio.sleep(0)
    for wanted in (7, 8, 9):
        limit.set(wanted)
    assert asked == [5]
    gate.set()
    await limit.settled()
    assert asked == [5, 9]


class Stream:
    """Events that end when it is closed, or after those given."""

    def __init__(self, dead: list[str], *, ends: bool) -> None:
        self._events = [{"Actor": {"ID": one}} for one in dead]
        self._end = threading.Event()
        if ends:
            self._end.set()

    def __iter__(self) -> Any:
        yield from self._events
        self._end.wait()

    def close(self) -> None:
        self._end.set()


class Engine:
    """An engine whose first stream breaks after one death."""

    def __init__(self, containers: list[dict[str, str]]) -> None:
        self._containers = containers
        self._streams = [Stream(["a"], ends=True), Stream([], ends=False)]

    def events(self, **_: Any) -> Stream:
        return self._streams.pop(0)

    def containers(self, **_: Any) -> list[dict[str, str]]:
        return self._containers


@pytest.mark.anyio
async def test_deaths_are_told_though_the_stream_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("executor.runtimes.docker.deaths._RETRY_S", 0.0)
    listed = [{"Id": "b", "State": "exited"}, {"Id": "c", "State": "created"}]
    deaths = Deaths(Engine(listed), "label")
    a, b, c, d = (deaths.of(name) for name in "abcd")
    deaths.open()
    await asyncio.gather(a, b, d)
    assert not c.done()
    await asyncio.to_thread(deaths.close)
