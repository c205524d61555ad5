"""The process of an instance's manager, from its start until nothing of it is left."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from executor.actions import CancelRun, Load, Offload, Run
from executor.proxy.stream import Tail
from executor.runtimes import leftovers
from executor.runtimes.client import ProxyClient

_CODE = Path(__file__).parents[2]
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
_STOP_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class InstanceOptions:
    """How to start a manager; its files go into ``folder``, which must not be there."""

    owner: str
    limit_bytes: int
    folder: Path
    base_uid: int
    isolate: bool

    def command(self, descriptor: int) -> list[str]:
        """Return the program that speaks on an open socket, and its arguments."""
        return [
            *(sys.executable, "-S", "-P", "-m", "executor.proxy"),
            f"--owner={self.owner}",
            f"--limit-bytes={self.limit_bytes}",
            f"--folder={self.folder / 'cells'}",
            f"--base-uid={self.base_uid}",
            f"--descriptor={descriptor}",
            *([] if self.isolate else ["--no-isolation"]),
        ]

    def environment(self) -> dict[str, str]:
        """Return the environment: what functions may know of ours, and the instance's mark."""
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return {**passed_on, "PYTHONPATH": str(_CODE), leftovers.MARK: str(self.folder)}


class ManagerProcess:
    """One manager at work; ``ended`` is done with a description of its end, when all is gone."""

    def __init__(self, options: InstanceOptions, client: ProxyClient) -> None:
        self.client = client
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._loop = asyncio.get_running_loop()
        self.ended = self._loop.create_task(self._live())

    def submit(self, action: Load | Offload | Run | CancelRun) -> None:
        """Begin to carry out an action in it."""
        self.client.submit(action)

    def stop(self) -> None:
        """Ask it to end, and make it if it does not."""
        self.client.shut_down()
        self._loop.call_later(_STOP_TIMEOUT_S, self._kill)

    async def _live(self) -> str:
        folder = self._options.folder
        folder.mkdir(mode=0o711)
        try:
            process = self._process = await self._start()
            await self.client.lost
            self._kill()
            await leftovers.death(process.pid)
            await leftovers.remove(folder)
            return _ending(process.wait(), folder)
        finally:
            shutil.rmtree(folder)

    async def _start(self) -> subprocess.Popen[bytes]:
        ours, theirs = socket.socketpair()
        with theirs, (self._options.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                self._options.command(theirs.fileno()),
                env=self._options.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        await self._loop.create_unix_connection(lambda: self.client, sock=ours)
        return process

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()


def _ending(code: int, folder: Path) -> str:
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
    log = Tail()
    log.add((folder / "log").read_bytes())
    return f"the manager {how}" + (f": {log.text()}" if log.text() else "")
