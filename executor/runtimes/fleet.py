"""The instances of a runtime: actions go to their managers, what becomes of them are events."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Generic, Protocol, TypeVar

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
from executor.clock import Clock
from executor.proxy.cells import UID_COUNT
from executor.runtimes.adoption import AdoptingClient, Answer
from executor.runtimes.client import ProxyClient
from executor.runtimes.papers import Papers
from executor.runtimes.protocol import Sink

FIRST_UID = 1_879_048_192
"""Users from here to 2^31 are nobody's (systemd, "Users, Groups, UIDs and GIDs")."""

SERVERS = 2048
"""So many servers, by their process ids, have instances with users of their own."""

_SLOTS = 512
"""Each server has so many times ``UID_COUNT`` users."""

INSTANCES = 508
"""At most so many instances at once in a server; what is left of the slots is for functions."""

FUNCTIONS = (_SLOTS - INSTANCES) * UID_COUNT
"""So many functions of a server may have a user of their own, the same in all instances."""


def function_uid(server: int, number: int) -> int:
    """Return the user of a server's function by its number."""
    return _first_uid(server) + INSTANCES * UID_COUNT + number


def _first_uid(server: int) -> int:
    return FIRST_UID + server % SERVERS * _SLOTS * UID_COUNT


LAST_UID = 2**31 - 1
"""From here down owners have a user each that all of their functions share, where they must."""

ADOPTION_S = 10.0
"""An instance that another server has left must say within this time what is in it."""


class LiveInstance(Protocol):
    """One instance; ``ended`` is done with a description of its end, when all of it is gone."""

    client: ProxyClient
    ended: asyncio.Task[str]

    def submit(self, action: Load | Offload | Run | CancelRun) -> None:
        """Begin to carry out an action in it."""

    def stop(self) -> None:
        """Ask it to end, and make it if it does not."""


One = TypeVar("One", bound=LiveInstance)


class Fleet(Generic[One]):
    """All instances of one server.

    Parameters
    ----------
    server
        Number of the server, for its instances to have users that no other's have.
    start
        Makes an instance whose functions have the users from the second argument on, and which
        gives its events to the sink.
    """

    def __init__(
        self,
        server: int,
        clock: Clock,
        start: Callable[[StartInstance, int, Sink], One],
        sink: Sink,
    ) -> None:
        self._first_uid = _first_uid(server)
        self._clock = clock
        self._start_instance = start
        self._sink = sink
        self.instances: dict[str, One] = {}
        self._base_uids: dict[str, int] = {}
        self._stopping: set[str] = set()
        self._closing = False

    async def adopt(self, left: Iterable[Papers], make: Callable[[Papers, Sink], One]) -> None:
        """Take over instances that another server has left; those that do not answer end.

        What happens in them before all are known is told behind that.

        Parameters
        ----------
        make
            Makes the instance of given papers; its client is an ``AdoptingClient``.
        """
        sink, later = self._sink, list[ev.Event]()
        self._sink = later.append
        adopted = []
        for papers in left:
            instance = make(papers, lambda event: self._sink(event))
            self._take_in(papers.start.instance_id, papers.base_uid, instance)
            adopted.append(instance)
        answers = await asyncio.gather(*map(_answer, adopted))
        known = [answer for answer in answers if answer is not None]
        reports = {name: report for _, loaded in known for name, report in loaded.items()}
        self._sink = sink
        if known:
            instances = tuple(instance for instance, _ in known)
            sink(ev.InstancesFound(self._clock(), instances, reports))
        for event in later:
            sink(event)

    def submit(self, action: RuntimeAction) -> None:
        """Begin to carry out an action."""
        match action:
            case StartInstance():
                self._start(action)
            case StopInstance():
                self._stop(action.instance_id)
            case _ if action.instance_id in self.instances:
                self.instances[action.instance_id].submit(action)
            case _:
                self._refuse(action)

    async def close(self) -> None:
        """Stop every instance and wait until nothing of them is left.

        None is started any more, though the policy asks for those that end.
        """
        self._closing = True
        instances = dict(self.instances)
        for instance_id in instances:
            self._stop(instance_id)
        await asyncio.gather(*(one.ended for one in instances.values()), return_exceptions=True)

    def _start(self, action: StartInstance) -> None:
        known = self.instances.get(action.instance_id)
        if known is not None:
            if known.client.up is not None:
                self._sink(known.client.up)
        elif not self._closing:
            self._start_new(action)

    def _start_new(self, action: StartInstance) -> None:
        own = range(self._first_uid, self._first_uid + INSTANCES * UID_COUNT, UID_COUNT)
        base_uid = min(set(own).difference(self._base_uids.values()), default=None)
        if base_uid is None:
            error = f"there are {INSTANCES} instances; expected fewer"
            self._sink(ev.InstanceGone(self._clock(), action.instance_id, error))
            return
        instance = self._start_instance(action, base_uid, self._sink)
        self._take_in(action.instance_id, base_uid, instance)

    def _take_in(self, instance_id: str, base_uid: int, instance: One) -> None:
        self.instances[instance_id] = instance
        self._base_uids[instance_id] = base_uid
        instance.ended.add_done_callback(lambda ended: self._ended(instance_id, ended))

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

    def _stop(self, instance_id: str) -> None:
        instance = self.instances.get(instance_id)
        if instance is None:
            self._sink(ev.InstanceGone(self._clock(), instance_id))
        elif instance_id not in self._stopping:
            self._stopping.add(instance_id)
            instance.stop()

    def _ended(self, instance_id: str, ended: asyncio.Task[str]) -> None:
        del self.instances[instance_id]
        del self._base_uids[instance_id]
        asked = instance_id in self._stopping
        self._stopping.discard(instance_id)
        how = str(ended.exception() or ended.result())
        self._sink(ev.InstanceGone(self._clock(), instance_id, None if asked else how))


async def _answer(instance: LiveInstance) -> Answer | None:
    """Wait until an instance that was left has said what is in it, or has ended."""
    assert isinstance(instance.client, AdoptingClient)
    found, ended = instance.client.found, instance.ended
    either: set[asyncio.Future[Any]] = {found, ended}
    await asyncio.wait(either, timeout=ADOPTION_S, return_when=asyncio.FIRST_COMPLETED)
    if found.done():
        return found.result()
    instance.stop()
    await asyncio.wait({ended})
    return None
