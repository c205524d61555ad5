"""The Docker runtime at work on the engine that there is."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import docker
import pytest

from executor.calls import CallTable
from executor.clock import Clock
from executor.functions import Package
from executor.runtimes.docker import Address, DockerRuntime
from tests.executor.runtimes.worlds import World, opened

IMAGE = "headstart-base"
_SOCKET = Path("/var/run/docker.sock")


def engine_url() -> str:
    """Return the address of the engine for tests; without one they are skipped, but not in CI."""
    if "DOCKER_HOST" in os.environ:
        return os.environ["DOCKER_HOST"]
    if _SOCKET.exists():
        return f"unix://{_SOCKET}"
    reason = "no Docker engine: neither DOCKER_HOST nor the usual socket leads to one"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class ContainerWorld(World):
    """A Docker runtime at work; ``api`` is a client of its engine, to look at it from outside."""

    runtime: DockerRuntime

    def __init__(self, packages: list[Package], directory: Path, address: Address) -> None:
        def make(by_name: dict[str, Package], calls: CallTable, clock: Clock) -> DockerRuntime:
            engines, python = {"w": address}, Path(sys.executable)
            return DockerRuntime(
                by_name, calls, clock, directory, engines=engines, image=IMAGE, python=python
            )

        super().__init__(packages, directory, make)
        self.api = docker.APIClient(engine_url(), version="auto")

    def container(self, instance_id: str = "i1") -> dict[str, Any]:
        """Return what the engine says of an instance's container."""
        (folder,) = self._directory.glob("containers-*")
        server = folder.name.removeprefix("containers-")
        found: dict[str, Any] = self.api.inspect_container(f"headstart-{server}-{instance_id}")
        return found

    def kill(self, instance_id: str = "i1") -> None:
        """Kill an instance's container."""
        self.api.kill(self.container(instance_id)["Id"])


@asynccontextmanager
async def world(
    packages: list[Package], directory: Path, address: Address | None = None
) -> AsyncIterator[ContainerWorld]:
    """Open a Docker runtime; nothing of it may be left in the end."""
    made = ContainerWorld(packages, directory, address or Address(engine_url()))
    async with opened(made, directory):
        yield made
    made.api.close()
