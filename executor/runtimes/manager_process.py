"""The process of an instance's manager, from its start until nothing of it is left.

A manager that another server has started is spoken to all the same, but it is nobody's child here.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from executor.actions import CancelRun, Load, Offload, Run, StartInstance
from executor.proxy.keeper import MARK
from executor.proxy.stream import Tail
from executor.runtimes import leftovers, sockets
from executor.runtimes.client import ProxyClient
from executor.runtimes.papers import Papers, fingerprint

_CODE = Path(__file__).parents[2]
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
_STOP_TIMEOUT_S = 5.0
_CONTROL = "control"

PAPERS = f"{_CONTROL}/papers.json"
"""Where in the folder of an instance its papers are."""


@dataclass(frozen=True, slots=True)
class InstanceOptions:
    """How to start a manager; its files go into ``folder``.

    ``contents`` stands for what its functions are made of; ``variables`` are added to its
    environment and theirs. With ``criu``, a program, functions are restored from snapshots in the
    folder ``snapshots``.
    """

    start: StartInstance
    folder: Path
    base_uid: int
    isolate: bool
    grace_s: float
    contents: str
    snapshots: Path
    criu: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)

    def papers(self) -> Papers:
        """Describe the instance for a server that may take it over."""
        made_of = fingerprint(self.command(0), self.environment(), self.contents)
        return Papers(self.start, self.base_uid, made_of)

    def command(self, descriptor: int) -> list[str]:
        """Return the program that listens on an open socket, and its arguments."""
        return [
            *(sys.executable, "-S", "-P", "-m", "executor.proxy"),
            f"--owner={self.start.owner}",
            f"--limit-bytes={self.start.limit_bytes}",
            f"--folder={self.folder / 'cells'}",
            f"--base-uid={self.base_uid}",
            f"--descriptor={descriptor}",
            f"--grace-s={self.grace_s}",
            *([] if self.isolate else ["--no-isolation"]),
            *([f"--snapshots={self.snapshots}", f"--criu={self.criu}"] if self.criu else []),
        ]

    def environment(self) -> dict[str, str]:
        """Return the environment: what functions may know of ours, and the instance's mark."""
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        own = {"PYTHONPATH": str(_CODE), MARK: str(self.folder)}
        return {**passed_on, **self.variables, **own}


class ManagerProcess:
    """One manager at work; ``ended`` is done with a description of its end, when all is gone.

    ``left`` says that it runs already, started by another server. ``prepare`` is waited for before
    it is started or spoken to.
    """

    def __init__(
        self,
        options: InstanceOptions,
        client: ProxyClient,
        prepare: Awaitable[None] | None = None,
        *,
        left: bool = False,
    ) -> None:
        self.client = client
        self._options = options
        self._prepare = prepare
        self._left = left
        self._process: subprocess.Popen[bytes] | None = None
        self._loop = asyncio.get_running_loop()
        self.ended = self._loop.create_task(self._live())

    def pids(self, family: Callable[[int], Iterable[int]]) -> list[int]:
        """List its processes; ``family`` lists a process with its descendants."""
        if self._process is None:
            return list(leftovers.marked(self._options.folder))
        return list(family(self._process.pid))

    def submit(self, action: Load | Offload | Run | CancelRun) -> None:
        """Begin to carry out an action in it."""
        self.client.submit(action)

    def stop(self) -> None:
        """Ask it to end, and make it if it does not."""
        self.client.shut_down()
        self._loop.call_later(_STOP_TIMEOUT_S, self._kill)

    async def _live(self) -> str:
        folder = self._options.folder
        try:
            if self._prepare is not None:
                await self._prepare
            if not self._left:
                self._process = self._start()
            with suppress(ConnectionRefusedError):
                await sockets.connect(folder / _CONTROL, self.client)
                await self.client.lost
            await self._end()
            return self._ending()
        finally:
            if folder.exists():
                shutil.rmtree(folder)

    def _start(self) -> subprocess.Popen[bytes]:
        folder = self._options.folder
        folder.mkdir(mode=0o711)
        with sockets.listen(folder / _CONTROL) as listening, (folder / "log").open("wb") as log:
            (folder / PAPERS).write_text(self._options.papers().write())
            return subprocess.Popen(
                self._options.command(listening.fileno()),
                env=self._options.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[listening.fileno()],
                start_new_session=True,
            )

    def _kill(self) -> None:
        if self._left:
            self._killing = self._loop.create_task(leftovers.remove(self._options.folder))
        elif self._process is not None and self._process.poll() is None:
            self._process.kill()

    async def _end(self) -> None:
        """Kill the manager, whose functions die with it, and then whatever has got away."""
        if self._process is not None:
            self._kill()
            await leftovers.death(self._process.pid)
        await leftovers.remove(self._options.folder)

    def _ending(self) -> str:
        log = Tail()
        log.add((self._options.folder / "log").read_bytes())
        how = "has ended" if self._process is None else _how(self._process.wait())
        return f"the manager {how}" + (f": {log.text()}" if log.text() else "")


def _how(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with status {code}"
