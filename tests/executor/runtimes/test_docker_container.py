"""What containers are made of."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from executor.actions import StartInstance
from executor.errors import PermanentFailure
from executor.runtimes.docker import environment
from executor.runtimes.docker.container import ContainerOptions, MpsAccess, needs_of
from executor.units import MIB
from tests.executor.runtimes.worlds import ECHO, handler

OPTIONS = ContainerOptions(
    image="base",
    server="s",
    installed=Path("/packages"),
    start=StartInstance("i1", "w", "o", 256 * MIB),
    cpus=1.5,
    base_uid=1000,
    needs=(Path("/functions/f"), Path("/models/f")),
    folder=Path("/state/i1"),
    grace_s=30.0,
    contents="c",
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


def test_a_container_has_the_gpu_of_its_instance_and_no_other() -> None:
    assert OPTIONS.config()["HostConfig"]["DeviceRequests"] == []
    start = OPTIONS.start._replace(gpu="MIG-1")
    config = replace(OPTIONS, start=start, variables={"CUDA_VISIBLE_DEVICES": "MIG-1"}).config()
    (wanted,) = config["HostConfig"]["DeviceRequests"]
    assert wanted["DeviceIDs"] == ["MIG-1"]
    assert wanted["Capabilities"] == [["gpu"]]
    assert "CUDA_VISIBLE_DEVICES=MIG-1" in config["Env"]


def test_for_mps_a_container_reaches_the_pipes_and_its_functions_share_a_user() -> None:
    assert OPTIONS.config()["HostConfig"]["IpcMode"] == "none"
    config = replace(OPTIONS, mps=MpsAccess(Path("/state/mps/1/pipes"), 7)).config()
    (pipes,) = [one for one in config["HostConfig"]["Mounts"] if "pipes" in one["Source"]]
    assert (pipes["Target"], pipes["ReadOnly"]) == (pipes["Source"], False)
    assert config["HostConfig"]["IpcMode"] == "host"
    assert {"--base-uid=7", "--one-user"} <= set(config["Cmd"])


def test_an_owner_needs_folders_and_files_but_none_twice(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    f = handler("f", tmp_path, ECHO, files=(weights, tmp_path / "f" / "inner"))
    g = handler("g", tmp_path, ECHO, owner="p")
    assert needs_of([f, g], "o") == (tmp_path / "f", weights)
    assert needs_of([f, g], "") == ()


def test_packages_are_those_of_the_interpreter() -> None:
    assert (environment.packages_of(Path(sys.executable)) / "pytest").is_dir()


def test_an_interpreter_that_does_not_fit_the_image_is_named(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho '[\"/packages\", 3, 9]'\n")
    python.chmod(0o755)
    with pytest.raises(PermanentFailure, match=r"is Python 3\.9; expected 3\.11"):
        environment.packages_of(python)
