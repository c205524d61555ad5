"""Instances as Docker containers: one container each, of one owner, on one of several engines."""

import asyncio
import logging
import os
import shutil
from collections.abc import Awaitable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from executor import events as ev
from executor.actions import RuntimeAction, StartInstance
from executor.calls import Calls
from executor.clock import Clock
from executor.domain import Tier
from executor.errors import RuntimeFailure
from executor.functions import Package
from executor.gpu.keeper import Keeper
from executor.runtimes.adoption import AdoptingClient
from executor.runtimes.client import ProxyClient
from executor.runtimes.docker import environment
from executor.runtimes.docker.container import PYTHON, ContainerOptions, MpsAccess, needs_of
from executor.runtimes.docker.engine import Address, Engine
from executor.runtimes.docker.instance import ContainerInstance
from executor.runtimes.fleet import LAST_UID, Fleet
from executor.runtimes.gpu_gate import GpuGate
from executor.runtimes.gpu_unloads import Means
from executor.runtimes.home import home
from executor.runtimes.papers import Papers, contents
from executor.runtimes.protocol import Sink
from executor.runtimes.specs import Specs

_LOG = logging.getLogger(__name__)

_PREFIX = "containers-"
_TUNNEL = "tunnel-"


class DockerRuntime:
    """Runs instances as containers.

    Parameters
    ----------
    packages
        The functions by name.
    calls
        Bodies of calls are read from here, answers written to it.
    clock
        Time of events and deadlines.
    directory
        The sockets of containers lie in folders below it.
    engines
        The workers by name.
    image
        What containers are made from.
    python
        An interpreter of this machine, whose packages the functions use.
    cpus
        How many processors a container may use; None for all.
    share_libraries
        Import the libraries that functions name once an instance, in a zygote.
    grace_s
        How long containers outlive a server that was killed, for the next one to take them over.
    gpus
        Keeps the GPUs by worker; none without.
    """

    def __init__(
        self,
        packages: Mapping[str, Package],
        calls: Calls,
        clock: Clock,
        directory: Path,
        *,
        engines: Mapping[str, Address],
        image: str,
        python: Path,
        cpus: float | None = None,
        share_libraries: bool = True,
        grace_s: float = 0.0,
        gpus: Mapping[str, Keeper] | None = None,
    ) -> None:
        self._packages = dict(packages)
        self._gpus = gpus or {}
        inside = {name: replace(package, python=PYTHON) for name, package in packages.items()}
        self._specs = Specs(inside, share_libraries=share_libraries)
        self._calls = calls
        self._clock = clock
        self._directory = directory.absolute()
        self._engines = {name: Engine(name, address) for name, address in engines.items()}
        self._image = image
        self._python = python
        self._cpus = cpus
        self._grace_s = grace_s
        self._closing = AsyncExitStack()

    async def open(self, sink: Sink) -> None:
        """Start; events go to ``sink`` on the loop's thread.

        Raises
        ------
        RuntimeFailure
            If an engine does not answer or lacks the image, or the interpreter does not fit it.
        """
        self._installed = await asyncio.to_thread(environment.packages_of, self._python)
        self._contents = await asyncio.to_thread(contents, self._packages.values())
        async with AsyncExitStack() as stack:
            self._home = stack.enter_context(home(self._directory, _PREFIX))
            for left in self._home.folder.glob(f"{_TUNNEL}*"):
                left.unlink()
            for number, (name, engine) in enumerate(self._engines.items()):
                stack.push_async_callback(engine.close)
                tunnel = self._home.folder / f"{_TUNNEL}{os.getpid()}-{number}"
                seen = partial(self._seen, sink, name)
                await engine.open(self._home.name, self._image, tunnel, seen)
                if name in self._gpus:
                    await engine.check_gpus(self._image, self._gpus[name].gpus)
            stack.push_async_callback(self._remove_lost)
            for folder in self._home.abandoned:
                await self._clear(folder)
            means = Means(self._need_bytes, self._carry_out, self._pids, self._clock, sink)
            self._gate = GpuGate(self._gpus, means)
            stack.push_async_callback(self._gate.close)
            self._fleet = Fleet(os.getpid(), self._clock, self._start, self._gate.happened)
            stack.push_async_callback(self._fleet.close)
            self._left = await self._find_left()
            await self._fleet.adopt(self._left, self._adopt)
            self._closing = stack.pop_all()

    async def close(self) -> None:
        """Stop every instance and wait until nothing of them is left."""
        await self._closing.aclose()

    def submit(self, action: RuntimeAction) -> None:
        """Begin to carry out an action."""
        self._gate.submit(action)

    def memory_bytes(self) -> dict[str, int]:
        """Return what each container of this machine holds."""
        return {
            instance_id: one.cgroup.memory_bytes()
            for instance_id, one in self._fleet.instances.items()
            if one.cgroup is not None
        }

    async def _remove_lost(self) -> None:
        """Remove the containers that could not be while their engine did not answer."""
        for engine in self._engines.values():
            try:
                for container in await engine.left_by(self._home.name):
                    await engine.remove(container)
            except RuntimeFailure as error:
                _LOG.warning("containers of this server may be left: %s", error)

    def _seen(self, sink: Sink, worker: str, answers: bool) -> None:
        sink(ev.WorkerSeen(self._clock(), worker, answers))

    def _carry_out(self, action: RuntimeAction) -> None:
        self._fleet.submit(action)

    def _need_bytes(self, function: str) -> int:
        return self._specs.gpu_bytes(function, Tier.GPU)

    def _pids(self, instance_ids: Collection[str]) -> dict[str, list[int]]:
        groups = {id_: one.cgroup for id_, one in self._fleet.instances.items()}
        found = {id_: groups.get(id_) for id_ in instance_ids}
        return {id_: group.pids() for id_, group in found.items() if group is not None}

    def _start(self, action: StartInstance, base_uid: int, sink: Sink) -> ContainerInstance:
        def client(sink: Sink) -> ProxyClient:
            return ProxyClient(action.instance_id, self._specs, self._calls, self._clock, sink)

        engine = self._engines[action.worker]
        options = self._options(action, base_uid, engine)
        prepare = self._prepare(action)
        return ContainerInstance(options, engine, client, self._limit_of, sink, prepare=prepare)

    def _adopt(self, papers: Papers, sink: Sink) -> ContainerInstance:
        def client(sink: Sink) -> ProxyClient:
            return AdoptingClient(papers.start, self._specs, self._calls, self._clock, sink)

        engine = self._engines[papers.start.worker]
        options = self._options(papers.start, papers.base_uid, engine)
        return ContainerInstance(
            options,
            engine,
            client,
            self._limit_of,
            sink,
            self._left[papers],
            self._prepare(papers.start),
        )

    def _options(self, start: StartInstance, base_uid: int, engine: Engine) -> ContainerOptions:
        keeper = self._gpus.get(start.worker)
        return ContainerOptions(
            image=self._image,
            server=self._home.name,
            installed=self._installed,
            start=start,
            cpus=min(self._cpus or engine.cpus, engine.cpus),
            base_uid=base_uid,
            needs=needs_of(self._packages.values(), start.owner),
            folder=self._home.folder / start.instance_id if engine.address.local else None,
            grace_s=self._grace_s,
            contents=f"{engine.image} {self._contents.get(start.owner, '')}",
            variables=keeper.variables(start.gpu, start.owner) if keeper is not None else {},
            mps=self._mps_access(start, keeper),
        )

    def _mps_access(self, start: StartInstance, keeper: Keeper | None) -> MpsAccess | None:
        """Let all functions of an owner have one user, since MPS serves one at a time."""
        if start.gpu is None or keeper is None or keeper.mps is None:
            return None
        owners = sorted({package.function.owner for package in self._packages.values()})
        pipes = keeper.mps.pipes(start.gpu, start.owner)
        return MpsAccess(pipes, LAST_UID - owners.index(start.owner))

    def _prepare(self, start: StartInstance) -> Awaitable[None] | None:
        keeper = self._gpus.get(start.worker)
        return keeper.prepare(start.gpu, start.owner) if keeper is not None else None

    def _limit_of(self, function: str) -> int:
        return self._packages[function].function.memory_limit_bytes

    async def _find_left(self) -> dict[Papers, str]:
        """Return the containers to take over, by their papers; the others are removed."""
        found = {}
        for engine in self._engines.values():
            for container, text in (await engine.left_by(self._home.name)).items():
                papers = Papers.read(text)
                if papers is not None and self._fits(papers, engine):
                    found[papers] = container
                else:
                    await engine.remove(container)
        for folder in self._home.folder.iterdir():
            if folder.is_dir() and folder.name not in {one.start.instance_id for one in found}:
                shutil.rmtree(folder)
        return found

    def _fits(self, papers: Papers, engine: Engine) -> bool:
        """Whether a container is such as would be made by now."""
        start = papers.start
        same = papers == self._options(start, papers.base_uid, engine).papers()
        return same and start.worker == engine.name

    async def _clear(self, folder: Path) -> None:
        """Remove all containers of a server that has left this folder, and the folder."""
        for engine in self._engines.values():
            for container in await engine.left_by(folder.name.removeprefix(_PREFIX)):
                await engine.remove(container)
        shutil.rmtree(folder)
