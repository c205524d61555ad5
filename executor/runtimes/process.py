"""Instances as processes of this machine: a manager each, with its functions below it."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from executor.actions import RuntimeAction, StartInstance
from executor.calls import Calls
from executor.clock import Clock
from executor.functions import Package
from executor.runtimes.client import ProxyClient
from executor.runtimes.fleet import Fleet
from executor.runtimes.manager_process import InstanceOptions, ManagerProcess
from executor.runtimes.protocol import Sink
from executor.runtimes.specs import Specs

_PREFIX = "instances-"


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
    ) -> None:
        self._specs = Specs(packages, share_libraries=share_libraries)
        self._calls = calls
        self._clock = clock
        self._directory = directory.absolute()
        self._folder = self._directory / f"{_PREFIX}{os.getpid()}"
        self._isolate = isolate

    async def open(self, sink: Sink) -> None:
        """Start; events go to ``sink`` on the loop's thread."""
        self._directory.mkdir(parents=True, exist_ok=True)
        _remove_stale(self._directory)
        self._folder.mkdir(mode=0o711)
        self._fleet = Fleet(os.getpid(), self._clock, self._start, sink)

    async def close(self) -> None:
        """Stop every instance and wait until nothing of them is left."""
        await self._fleet.close()
        self._folder.rmdir()

    def submit(self, action: RuntimeAction) -> None:
        """Begin to carry out an action."""
        self._fleet.submit(action)

    def _start(self, action: StartInstance, base_uid: int, sink: Sink) -> ManagerProcess:
        options = InstanceOptions(
            owner=action.owner,
            limit_bytes=action.limit_bytes,
            folder=self._folder / action.instance_id,
            base_uid=base_uid,
            isolate=self._isolate,
        )
        client = ProxyClient(action.instance_id, self._specs, self._calls, self._clock, sink)
        return ManagerProcess(options, client)


def _remove_stale(directory: Path) -> None:
    """Remove what servers have left that were killed."""
    for folder in directory.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX)
        if pid == str(os.getpid()) or not Path("/proc", pid).exists():
            shutil.rmtree(folder)
