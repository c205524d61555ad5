"""The MPS daemons of a worker: one for each GPU and owner, started when an instance needs it."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from executor.errors import TemporaryFailure
from executor.gpu.mps import MpsDaemon, Share

CHECK_S = 10.0
"""So often daemons are asked whether they are well, which takes a process each."""


class Daemons:
    """Starts, checks and stops the daemons.

    Parameters
    ----------
    share
        What each process of a function may take of a GPU.
    folder
        Each has its files in a folder below it, of the same name for every server that has this
        folder, so that the functions of one that was killed go on with theirs.
    environment
        Of the control program, which is looked for on its PATH.
    """

    def __init__(self, share: Share, folder: Path, environment: Mapping[str, str]) -> None:
        self.restarts = 0
        self._share = share
        self._folder = folder
        self._environment = environment
        self._running: dict[tuple[str, str], MpsDaemon] = {}
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    def variables(self, gpu: str, owner: str) -> dict[str, str]:
        """Return what a function's process needs to find its daemon."""
        return self._daemon(gpu, owner).client_environment()

    def pipes(self, gpu: str, owner: str) -> Path:
        """Return the folder that a function's process must be able to reach."""
        return self._daemon(gpu, owner).pipes

    async def ready(self, gpu: str, owner: str) -> None:
        """Start a daemon, unless it runs and is well.

        Raises
        ------
        TemporaryFailure
            If it does not start.
        """
        key = gpu, owner
        async with self._locks[key]:
            if key not in self._running:
                self._running[key] = await self._started(self._daemon(gpu, owner))

    async def watch(self) -> None:
        """Start anew, until cancelled, what is found to be at fault."""
        while True:
            await asyncio.sleep(CHECK_S)
            await self.check()

    async def check(self) -> None:
        """Start anew what is at fault; what does not start is tried again when it is needed."""
        for key, daemon in list(self._running.items()):
            if await daemon.fault():
                self.restarts += 1
                del self._running[key]
                try:
                    await self.ready(*key)
                except TemporaryFailure:
                    continue

    async def close(self) -> None:
        """Stop them all."""
        await asyncio.gather(*(daemon.stop() for daemon in self._running.values()))
        self._running.clear()

    async def _started(self, daemon: MpsDaemon) -> MpsDaemon:
        if await daemon.fault():
            await daemon.stop()
            await daemon.start()
        return daemon

    def _daemon(self, gpu: str, owner: str) -> MpsDaemon:
        name = sha256(f"{gpu} {owner}".encode()).hexdigest()[:12]
        return MpsDaemon(gpu, self._share, self._folder / name, self._environment)
