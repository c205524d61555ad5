"""One container, from its creation until it is removed."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress

from executor import events as ev
from executor.actions import CancelRun, Load, Offload, Run
from executor.errors import PermanentFailure, RuntimeFailure
from executor.runtimes.client import ProxyClient
from executor.runtimes.docker import cgroup, channel
from executor.runtimes.docker.container import ContainerOptions
from executor.runtimes.docker.engine import Engine
from executor.runtimes.docker.limit import MemoryLimit
from executor.runtimes.protocol import Sink

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0
_LAST_WORDS_S = 1.0


class ContainerInstance:
    """A container at work; ``ended`` is done with a description of its end, when it is removed.

    Parameters
    ----------
    container
        The id of one that another server has left; empty to create one.
    make_client
        Makes the client of its manager, which gives its events to the sink.
    limit_of
        Gives the memory limit of a function.
    prepare
        Is waited for before it is created or spoken to.
    """

    def __init__(
        self,
        options: ContainerOptions,
        engine: Engine,
        make_client: Callable[[Sink], ProxyClient],
        limit_of: Callable[[str], int],
        sink: Sink,
        container: str = "",
        prepare: Awaitable[None] | None = None,
    ) -> None:
        self.client = make_client(self._happened)
        self.cgroup: cgroup.Cgroup | None = None
        self._options = options
        self._engine = engine
        self._limit_of = limit_of
        self._sink = sink
        self._prepare = prepare
        self._container = container
        self._limit_bytes = options.start.limit_bytes
        self._limit = MemoryLimit(0 if container else self._limit_bytes, self._set_limit)
        self._runs: dict[str, Run] = {}
        self._oom_kills = 0
        self._doomed = False
        self._loop = asyncio.get_running_loop()
        self._killed: asyncio.Future[None] = self._loop.create_future()
        self.ended = self._loop.create_task(self._live())

    def submit(self, action: Load | Offload | Run | CancelRun) -> None:
        """Begin to carry out an action in it."""
        if isinstance(action, Run):
            self._runs[action.invocation_id] = action
        self.client.submit(action)

    def stop(self) -> None:
        """Ask it to end, and make it if it does not."""
        self.client.shut_down()
        self._loop.call_later(STOP_TIMEOUT_S, self._kill)

    async def _live(self) -> str:
        folder = self._options.folder
        if self._prepare is not None:
            await self._prepare
        if folder is not None and not self._container:
            folder.mkdir(mode=0o700)
        try:
            return await self._live_in_container()
        finally:
            if folder is not None:
                shutil.rmtree(folder)

    async def _live_in_container(self) -> str:
        container = self._container = self._container or await self._engine.create(self._options)
        died = self._engine.deaths.of(container)
        try:
            if self._doomed:
                return "it was stopped before it started"
            pid = await self._engine.start(container)
            if self._options.folder is not None:
                self.cgroup = cgroup.find(pid, container)
                self._oom_kills = self.cgroup.oom_kills() if self.cgroup is not None else 0
            self._limit.set(self._limit_bytes)
            if await self._connect(died):
                await self._end(died)
            return await self._engine.ending(container)
        finally:
            self.cgroup = None
            self._engine.deaths.forget(container)
            await self._limit.settled()
            await self._engine.remove(container)

    async def _connect(self, died: asyncio.Future[None]) -> bool:
        """Connect to the manager; False if it dies before."""
        connecting = self._loop.create_task(self._reach())
        await asyncio.wait(
            {connecting, died}, timeout=START_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
        )
        if connecting.done():
            connecting.result()
            return True
        connecting.cancel()
        if not died.done():
            raise PermanentFailure(f"the manager does not listen within {START_TIMEOUT_S:g} s")
        return False

    async def _reach(self) -> None:
        if self._options.folder is not None:
            await channel.connect_here(self._options.folder, self.client)
        else:
            stream = await self._engine.relay(self._container)
            await channel.connect_there(stream, self.client)

    async def _end(self, died: asyncio.Future[None]) -> None:
        """Wait for the end of the container, and for the manager's last words."""
        lost = self.client.lost
        await asyncio.wait({lost, died, self._killed}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({died}, timeout=STOP_TIMEOUT_S)
        await asyncio.wait({lost}, timeout=_LAST_WORDS_S)

    def _kill(self) -> None:
        self._doomed = True
        if self._container and not self.ended.done():
            self._killing = self._loop.create_task(self._kill_now())

    async def _kill_now(self) -> None:
        """Kill it; where the engine does not answer its removal will say so."""
        with suppress(RuntimeFailure):
            await self._engine.kill(self._container)
        if not self._killed.done():
            self._killed.set_result(None)

    def _happened(self, event: ev.Event) -> None:
        """Let the limit follow the call, and say of a death whether memory was short."""
        match event:
            case ev.Started(invocation_id=call) if call in self._runs:
                self._narrow(self._runs[call])
            case ev.Completed(invocation_id=call):
                self._widen(call)
            case ev.Failed(invocation_id=call):
                self._widen(call)
                event = event._replace(error=self._explained(event.error))
            case ev.Offloaded(error=str(error)) | ev.LoadFailed(error=error):
                event = event._replace(error=self._explained(error))
        self._sink(event)

    def _narrow(self, run: Run) -> None:
        """Hold a call that is alone in the container to its function's own limit."""
        if not run.keep:
            limit_bytes = self._limit_of(run.function)
            self._limit.set(min(limit_bytes, self._limit_bytes))

    def _widen(self, call: str) -> None:
        self._runs.pop(call, None)
        self._limit.set(self._limit_bytes)

    def _explained(self, error: str) -> str:
        if self.cgroup is None:
            return error
        kills, self._oom_kills = self._oom_kills, self.cgroup.oom_kills()
        return error if self._oom_kills == kills else f"out of memory: {error}"

    async def _set_limit(self, limit_bytes: int) -> None:
        """Set the limit by file where that may be written, which is quicker, else by request."""
        if self.cgroup is not None and self.cgroup.writable:
            await asyncio.to_thread(self.cgroup.set_limit, limit_bytes)
        else:
            await self._engine.set_limit(self._container, limit_bytes)
