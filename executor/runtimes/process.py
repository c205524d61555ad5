"""Instances as processes of this machine: a manager each, with its functions below it."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from executor import events as ev
from executor.actions import (
    CancelRun,
    Load,
    Offload,
    Run,
    RuntimeAction,
    StartInstance,
    StopInstance,
)
from executor.calls import Calls
from executor.clock import Clock
from executor.functions import Package
from executor.proxy.cells import UID_COUNT
from executor.runtimes.client import ProxyClient
from executor.runtimes.manager_process import InstanceOptions, ManagerProcess
from executor.runtimes.protocol import Sink
from executor.runtimes.specs import Specs

FIRST_UID = 1_879_048_192
"""Users from here to 2^31 are nobody's (systemd, "Users, Groups, UIDs and GIDs")."""

SERVERS = 2048
"""So many servers, by their process ids, have instances with users of their own."""

INSTANCES = 512
"""At most so many instances at once in a server."""

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
        self._instances: dict[str, ManagerProcess] = {}
        self._slots: dict[str, int] = {}
        self._stopping: set[str] = set()

    async def open(self, sink: Sink) -> None:
        """Start; events go to ``sink`` on the loop's thread."""
        self._sink = sink
        self._directory.mkdir(parents=True, exist_ok=True)
        _remove_stale(self._directory)
        self._folder.mkdir(mode=0o711)

    async def close(self) -> None:
        """Stop every instance and wait until nothing of them is left."""
        instances = dict(self._instances)
        for instance_id in instances:
            self._stop(instance_id)
        await asyncio.gather(*(one.ended for one in instances.values()), return_exceptions=True)
        self._folder.rmdir()

    def submit(self, action: RuntimeAction) -> None:
        """Begin to carry out an action."""
        match action:
            case StartInstance():
                self._start(action)
            case StopInstance():
                self._stop(action.instance_id)
            case _ if action.instance_id in self._instances:
                self._instances[action.instance_id].client.submit(action)
            case _:
                self._refuse(action)

    def _start(self, action: StartInstance) -> None:
        known = self._instances.get(action.instance_id)
        if known is None:
            self._start_new(action)
        elif known.client.up is not None:
            self._sink(known.client.up)

    def _start_new(self, action: StartInstance) -> None:
        slot = min(set(range(INSTANCES)).difference(self._slots.values()), default=None)
        if slot is None:
            error = f"there are {INSTANCES} instances; expected fewer"
            self._sink(ev.InstanceGone(self._clock(), action.instance_id, error))
            return
        options = InstanceOptions(
            owner=action.owner,
            limit_bytes=action.limit_bytes,
            folder=self._folder / action.instance_id,
            base_uid=FIRST_UID + ((os.getpid() % SERVERS) * INSTANCES + slot) * UID_COUNT,
            isolate=self._isolate,
        )
        instance = ManagerProcess(options, self._client(action.instance_id))
        self._instances[action.instance_id] = instance
        self._slots[action.instance_id] = slot
        instance.ended.add_done_callback(lambda ended: self._ended(action.instance_id, ended))

    def _refuse(self, action: Load | Offload | Run | CancelRun) -> None:
        now_s, instance_id, error = self._clock(), action.instance_id, "there is no such instance"
        match action:
            case Load(function=function):
                self._sink(ev.LoadFailed(now_s, instance_id, function, error, blame=False))
            case Offload(function=function):
                self._sink(ev.Offloaded(now_s, instance_id, function))
            case Run(invocation_id=call):
                self._sink(ev.Failed(now_s, call, instance_id, ev.FailureKind.CRASH, error))
            case CancelRun():
                pass

    def _client(self, instance_id: str) -> ProxyClient:
        return ProxyClient(instance_id, self._specs, self._calls, self._clock, self._sink)

    def _stop(self, instance_id: str) -> None:
        instance = self._instances.get(instance_id)
        if instance is None:
            self._sink(ev.InstanceGone(self._clock(), instance_id))
        elif instance_id not in self._stopping:
            self._stopping.add(instance_id)
            instance.stop()

    def _ended(self, instance_id: str, ended: asyncio.Task[str]) -> None:
        del self._instances[instance_id]
        del self._slots[instance_id]
        asked = instance_id in self._stopping
        self._stopping.discard(instance_id)
        how = str(ended.exception() or ended.result())
        self._sink(ev.InstanceGone(self._clock(), instance_id, None if asked else how))


def _remove_stale(directory: Path) -> None:
    """Remove what servers have left that were killed."""
    for folder in directory.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX)
        if pid == str(os.getpid()) or not Path("/proc", pid).exists():
            shutil.rmtree(folder)
