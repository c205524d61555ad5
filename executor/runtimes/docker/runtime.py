"""Instances as Docker containers: one container each, of one owner, on one of several engines."""

import asyncio
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from executor.actions import RuntimeAction, StartInstance
from executor.calls import Calls
from executor.clock import Clock
from executor.functions import Package
from executor.runtimes.client import ProxyClient
from executor.runtimes.docker import environment
from executor.runtimes.docker.container import PYTHON, ContainerOptions, needs_of
from executor.runtimes.docker.engine import Address, Engine
from executor.runtimes.docker.instance import ContainerInstance
from executor.runtimes.fleet import Fleet
from executor.runtimes.protocol import Sink
from executor.runtimes.specs import Specs

_PREFIX = "containers-"


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
    ) -> None:
        self._packages = dict(packages)
        inside = {name: replace(package, python=PYTHON) for name, package in packages.items()}
        self._specs = Specs(inside, share_libraries=share_libraries)
        self._calls = calls
        self._clock = clock
        self._directory = directory.absolute()
        self._engines = {name: Engine(name, address) for name, address in engines.items()}
        self._server = uuid4().hex
        self._image = image
        self._python = python
        self._cpus = cpus
        self._closing = AsyncExitStack()

    async def open(self, sink: Sink) -> None:
        """Start; events go to ``sink`` on the loop's thread.

        Raises
        ------
        RuntimeFailure
            If an engine does not answer or lacks the image, or the interpreter does not fit it.
        """
        self._installed = await asyncio.to_thread(environment.packages_of, self._python)
        async with AsyncExitStack() as stack:
            for engine in self._engines.values():
                stack.push_async_callback(engine.close)
                await engine.open(self._server, self._image)
            await self._remove_stale()
            self._folder = self._directory / f"{_PREFIX}{self._server}"
            stack.enter_context(_locked(self._folder))
            self._fleet = Fleet(os.getpid(), self._clock, self._start, sink)
            stack.push_async_callback(self._fleet.close)
            self._closing = stack.pop_all()

    async def close(self) -> None:
        """Stop every instance and wait until nothing of them is left."""
        await self._closing.aclose()

    def submit(self, action: RuntimeAction) -> None:
        """Begin to carry out an action."""
        self._fleet.submit(action)

    def memory_bytes(self) -> dict[str, int]:
        """Return what each container of this machine holds."""
        return {
            instance_id: one.cgroup.memory_bytes()
            for instance_id, one in self._fleet.instances.items()
            if one.cgroup is not None
        }

    def _start(self, action: StartInstance, base_uid: int, sink: Sink) -> ContainerInstance:
        engine = self._engines[action.worker]
        options = ContainerOptions(
            image=self._image,
            server=self._server,
            installed=self._installed,
            instance_id=action.instance_id,
            owner=action.owner,
            limit_bytes=action.limit_bytes,
            cpus=min(self._cpus or engine.cpus, engine.cpus),
            base_uid=base_uid,
            needs=needs_of(self._packages.values(), action.owner),
            folder=self._folder / action.instance_id if engine.address.local else None,
        )

        def client(sink: Sink) -> ProxyClient:
            return ProxyClient(action.instance_id, self._specs, self._calls, self._clock, sink)

        return ContainerInstance(options, engine, client, self._limit_of, sink)

    def _limit_of(self, function: str) -> int:
        return self._packages[function].function.memory_limit_bytes

    async def _remove_stale(self) -> None:
        """Remove what servers have left that were killed."""
        for folder in self._directory.glob(f"{_PREFIX}*"):
            with _locked(folder) as dead:
                if dead:
                    server = folder.name.removeprefix(_PREFIX)
                    for engine in self._engines.values():
                        await engine.remove_all(server)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold a server's folder, and remove it in the end; False if another process holds it."""
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
        shutil.rmtree(folder)
