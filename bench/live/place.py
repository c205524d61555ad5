"""Where the instances of live measurements run."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from executor.calls import Calls
from executor.clock import Clock
from executor.functions import Package
from executor.runtimes.process import ProcessRuntime
from executor.runtimes.protocol import LiveRuntime

_ENGINE = "here"


@dataclass(frozen=True, slots=True)
class Place:
    """Processes of this machine (``process``) or containers of the Docker engine at an address."""

    kind: str
    engine: str

    @property
    def worker(self) -> str:
        """Name the only worker."""
        return "local" if self.kind == "process" else _ENGINE

    def runtime(
        self, packages: Mapping[str, Package], calls: Calls, clock: Clock, state: Path, shared: bool
    ) -> LiveRuntime:
        """Make a runtime; ``shared`` says whether functions share libraries."""
        if self.kind == "process":
            return ProcessRuntime(packages, calls, clock, state, share_libraries=shared)
        from executor.config import DockerSection
        from executor.runtimes import docker

        return docker.DockerRuntime(
            packages,
            calls,
            clock,
            state,
            engines={_ENGINE: docker.Address(self.engine, None)},
            image=DockerSection().image,
            python=Path(sys.executable),
            share_libraries=shared,
        )

    def settings(self, memory_bytes: int) -> dict[str, Any]:
        """Return the settings of a server here."""
        if self.kind == "process":
            return {"runtime": self.kind, "worker": {"memory": memory_bytes}}
        engine = {"url": self.engine, "memory": memory_bytes}
        return {"runtime": self.kind, "docker": {"engines": {_ENGINE: engine}}}
