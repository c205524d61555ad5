"""Control groups of both versions, as files made for the tests."""

from pathlib import Path
from typing import Any

import pytest

from executor.runtimes.docker import cgroup

ID = "c0ffee"


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
