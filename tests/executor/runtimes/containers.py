"""The Docker runtime at work on the engine that there is."""

import asyncio
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
from executor.runtimes.docker import Address, DockerRuntime, cgroup
from tests.executor.runtimes.worlds import World, opened

IMAGE = "headstart-base"
_SOCKET = Path("/var/run/docker.sock")


def engine_url() -> str:
    """Return the address of the engine for tests; without one they are skipped, but not in CI."""
    reason = os.environ.get("HEADSTART_NO_DOCKER")
    if reason is None and "DOCKER_HOST" in os.environ:
        return os.environ["DOCKER_HOST"]
    if reason is None and _SOCKET.exists():
        return f"unix://{_SOCKET}"
    reason = f"no Docker engine: {reason or 'run this by scripts/engine.sh run'}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class ContainerWorld(World):
    """A Docker runtime at work; ``api`` is a client of its engine, to look at it from outside."""

    runtime: DockerRuntime

    def __init__(
        self,
        packages: list[Package],
        directory: Path,
        engines: dict[str, Address],
        image: str = IMAGE,
        grace_s: float = 0.0,
    ) -> None:
        def make(by_name: dict[str, Package], calls: CallTable, clock: Clock) -> DockerRuntime:
            return DockerRuntime(
                by_name,
                calls,
                clock,
                directory,
                engines=engines,
                image=image,
                python=Path(sys.executable),
                grace_s=grace_s,
            )

        super().__init__(packages, directory, make)
        self.api = docker.APIClient(engine_url(), version="auto")

    @property
    def server(self) -> str:
        """The name that the runtime goes by."""
        (folder,) = self._directory.glob("containers-*")
        return folder.name.removeprefix("containers-")

    def container(self, instance_id: str = "i1") -> dict[str, Any]:
        """Return what the engine says of an instance's container."""
        name = f"headstart-{self.server}-{instance_id}"
        found: dict[str, Any] = self.api.inspect_container(name)
        return found

    def limit_bytes(self) -> int:
        """Return the memory limit of ``i1`` that is in force."""
        container = self.container()
        group = cgroup.find(container["State"]["Pid"], container["Id"])
        assert group is not None
        files = (group.folder / name for name in ("memory.limit_in_bytes", "memory.max"))
        return int(next(file for file in files if file.exists()).read_text())

    async def limit_becomes(self, limit_bytes: int) -> None:
        """Wait until the memory limit of ``i1`` has a value."""
        while self.limit_bytes() != limit_bytes:
            await asyncio.sleep(0)

    def kill(self, instance_id: str = "i1") -> None:
        """Kill an instance's container."""
        self.api.kill(self.container(instance_id)["Id"])


@asynccontextmanager
async def world(
    packages: list[Package],
    directory: Path,
    address: Address | None = None,
    *,
    grace_s: float = 0.0,
    engines: dict[str, Address] | None = None,
) -> AsyncIterator[ContainerWorld]:
    """Open a Docker runtime; nothing of it may be left in the end."""
    engines = engines or {"w": address or Address(engine_url())}
    made = ContainerWorld(packages, directory, engines, grace_s=grace_s)
    async with opened(made, directory):
        yield made
    made.api.close()
