"""Instances as processes of this machine: a manager each, with its functions below it."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Collection, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from executor.actions import RuntimeAction, StartInstance
from executor.calls import Calls
from executor.clock import Clock
from executor.domain import Tier
from executor.functions import Package
from executor.gpu.keeper import Keeper
from executor.proxy.memory import families
from executor.runtimes import leftovers
from executor.runtimes.adoption import AdoptingClient
from executor.runtimes.client import ProxyClient
from executor.runtimes.fleet import Fleet
from executor.runtimes.gpu_gate import GpuGate
from executor.runtimes.gpu_unloads import Means
from executor.runtimes.home import home
from executor.runtimes.manager_process import PAPERS, InstanceOptions, ManagerProcess
from executor.runtimes.papers import Papers, contents
from executor.runtimes.protocol import Sink
from executor.runtimes.snapshots import find_criu, named
from executor.runtimes.specs import Specs

_PREFIX = "instances-"
_SNAPSHOTS = "snapshots"


class ProcessRuntime:
    """Runs instances on this machine.

    Parameters
    ----------
    packages
        The functions by name.
    calls
        Bodies of calls are read from here, answers written to it.
    clock
        Time of events and deadlines.
    directory
        Instances keep their files in folders below it.
    isolate
        Give each function process a user and a view of the file system of its own; this takes
        root, without which it is off.
    share_libraries
        Import the libraries that functions name once an instance, in a zygote.
    grace_s
        How long instances outlive a server that was killed, for the next one to take them over.
    gpus
        Keeps the GPUs by worker; none without.
    snapshots
        Take a snapshot of each function when it has loaded first, and restore that from then on;
        each function is a process of its own then, which shares no library.
    """

    def __init__(
        self,
        packages: Mapping[str, Package],
        calls: Calls,
        clock: Clock,
        directory: Path,
        *,
        isolate: bool = True,
        share_libraries: bool = True,
        grace_s: float = 0.0,
        gpus: Mapping[str, Keeper] | None = None,
        snapshots: bool = False,
    ) -> None:
        self._packages = packages
        self._gpus = gpus or {}
        self._share_libraries = share_libraries
        self._snapshots = snapshots
        self._calls = calls
        self._clock = clock
        self._directory = directory.absolute()
        self._isolate = isolate
        self._grace_s = grace_s
        self._closing = AsyncExitStack()

    async def open(self, sink: Sink) -> None:
        """Start; events go to ``sink`` on the loop's thread.

        Raises
        ------
        PermanentFailure
            If snapshots are wanted and cannot be had.
        """
        self._criu = await asyncio.to_thread(find_criu) if self._snapshots else ""
        kept = await asyncio.to_thread(named, self._packages, os.getpid()) if self._criu else {}
        shared = self._share_libraries and not self._criu
        self._specs = Specs(self._packages, share_libraries=shared, snapshots=kept)
        self._contents = await asyncio.to_thread(contents, self._packages.values())
        async with AsyncExitStack() as stack:
            own = stack.enter_context(home(self._directory, _PREFIX))
            for folder in own.abandoned:
                await _remove_all(folder)
                shutil.rmtree(folder)
            self._folder = own.folder
            (self._folder / _SNAPSHOTS).mkdir(mode=0o700, exist_ok=True)
            means = Means(self._need_bytes, self._carry_out, self._pids, self._clock, sink)
            self._gate = GpuGate(self._gpus, means)
            stack.push_async_callback(self._gate.close)
            self._fleet = Fleet(os.getpid(), self._clock, self._start, self._gate.happened)
            stack.push_async_callback(self._fleet.close)
            await self._fleet.adopt(await self._left(), self._adopt)
            self._closing = stack.pop_all()

    async def close(self) -> None:
        """Stop every instance and wait until nothing of them is left."""
        await self._closing.aclose()

    def submit(self, action: RuntimeAction) -> None:
        """Begin to carry out an action."""
        self._gate.submit(action)

    def _carry_out(self, action: RuntimeAction) -> None:
        self._fleet.submit(action)

    def _need_bytes(self, function: str) -> int:
        return self._packages[function].function.gpu_bytes(Tier.GPU)

    def _pids(self, instance_ids: Collection[str]) -> dict[str, list[int]]:
        family, here = families(), self._fleet.instances
        return {id_: here[id_].pids(family) for id_ in instance_ids if id_ in here}

    def memory_bytes(self) -> dict[str, int]:
        """Return nothing, since processes have no control groups of their own."""
        return {}

    def _start(self, action: StartInstance, base_uid: int, sink: Sink) -> ManagerProcess:
        client = ProxyClient(action.instance_id, self._specs, self._calls, self._clock, sink)
        return ManagerProcess(self._options(action, base_uid), client, self._prepare(action))

    def _adopt(self, papers: Papers, sink: Sink) -> ManagerProcess:
        client = AdoptingClient(papers.start, self._specs, self._calls, self._clock, sink)
        options = self._options(papers.start, papers.base_uid)
        return ManagerProcess(options, client, self._prepare(papers.start), left=True)

    def _prepare(self, start: StartInstance) -> Awaitable[None] | None:
        keeper = self._gpus.get(start.worker)
        return keeper.prepare(start.gpu, start.owner) if keeper is not None else None

    def _options(self, start: StartInstance, base_uid: int) -> InstanceOptions:
        return InstanceOptions(
            start=start,
            folder=self._folder / start.instance_id,
            base_uid=base_uid,
            isolate=self._isolate,
            grace_s=self._grace_s,
            contents=self._contents.get(start.owner, ""),
            variables=self._variables(start),
            snapshots=self._folder / _SNAPSHOTS,
            criu=self._criu,
        )

    async def _left(self) -> list[Papers]:
        """Return the papers of instances to take over; the others are removed."""
        found = []
        for folder in _instances(self._folder):
            file = folder / PAPERS
            papers = Papers.read(file.read_text()) if file.exists() else None
            if papers is not None and self._fits(papers):
                found.append(papers)
            else:
                await _remove(folder)
        return found

    def _fits(self, papers: Papers) -> bool:
        """Whether an instance is such as would be made by now."""
        return papers == self._options(papers.start, papers.base_uid).papers()

    def _variables(self, start: StartInstance) -> dict[str, str]:
        keeper = self._gpus.get(start.worker)
        return keeper.variables(start.gpu, start.owner) if keeper is not None else {}


def _instances(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.is_dir() and one.name != _SNAPSHOTS]


async def _remove_all(folder: Path) -> None:
    for one in _instances(folder):
        await _remove(one)


async def _remove(folder: Path) -> None:
    """End what is left of an instance, and remove its files."""
    await leftovers.remove(folder)
    shutil.rmtree(folder)
