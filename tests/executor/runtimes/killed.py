"""A server that is killed while functions are loaded, and perhaps called, in its instance ``i1``.

Run as ``python -m tests.executor.runtimes.killed PLAN``.
"""

import asyncio
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from executor import events as ev
from executor.actions import StartInstance
from executor.domain import Tier
from executor.functions import Package
from executor.runtimes.docker import Address
from tests.executor.gpu import fakes
from tests.executor.runtimes import containers, worlds
from tests.executor.runtimes.worlds import LIMIT_BYTES, World

GRACE_S = 60.0
"""Longer than any test takes to start the next server."""


@asynccontextmanager
async def _world_with_gpu(packages: list[Package], directory: Path) -> AsyncIterator[World]:
    """Open a process runtime with the GPU of the folder in which its directory is."""
    with pytest.MonkeyPatch.context() as patch, fakes.opened(directory.parent, patch) as (_, gpu):
        made = worlds.world(packages, directory, isolate=False, grace_s=GRACE_S, gpus={"w": gpu})
        async with made as opened:
            yield opened


@dataclass(frozen=True)
class Plan:
    """What the server does before it is killed."""

    runtime: str
    packages: list[Package]
    directory: Path
    loads: tuple[str, ...]
    call: str | None = None
    tier: Tier = Tier.HOST
    engine: Address | None = None

    def opened(self) -> AbstractAsyncContextManager[World]:
        """Open the runtime of the server that will be killed, or of the next one."""
        if self.runtime == "process":
            return worlds.world(self.packages, self.directory, grace_s=GRACE_S)
        if self.runtime == "gpu":
            return _world_with_gpu(self.packages, self.directory)
        return containers.world(self.packages, self.directory, self.engine, grace_s=GRACE_S)

    def play(self, folder: Path) -> None:
        """Run it to its end in a process of its own; ``folder`` is for notes."""
        notes = folder / "plan"
        notes.write_bytes(pickle.dumps(self))
        done = subprocess.run([sys.executable, "-m", __name__, str(notes)], check=False)
        assert done.returncode == -signal.SIGKILL


async def live(plan: Plan) -> None:
    """Live as planned."""
    async with plan.opened() as here:
        gpu = fakes.GPU if plan.runtime == "gpu" else None
        start = StartInstance("i1", "w", "o", LIMIT_BYTES, gpu=gpu, function=plan.loads[0])
        here.submit(start)
        await here.expect(ev.InstanceReady)
        for function in plan.loads:
            await here.load(function, plan.tier)
        if plan.call is not None:
            here.run(plan.call, keep=frozenset(plan.loads))
            await here.expect(ev.Started)
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(live(pickle.loads(Path(sys.argv[1]).read_bytes())))
