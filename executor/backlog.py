"""The open calls: which wait, which run where, and what is known of each."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from executor.actions import Timings
from executor.domain import Invocation, StartKind


@dataclass
class OpenCall:
    """A call between ``Arrived`` and ``Finish``.

    ``instance_id`` is where it runs or, while it waits, the instance being started for it;
    ``awaits`` is the running call that it waits for, ``look_again_s`` when to decide anew then.
    """

    invocation: Invocation
    waiting: bool = True
    instance_id: str | None = None
    start_kind: StartKind | None = None
    dispatched_s: float = 0.0
    started_s: float | None = None
    attempts: int = 0
    awaits: str | None = None
    look_again_s: float = math.inf

    def timings(self, at_s: float) -> Timings:
        """Split the time until the answer at ``at_s``; needs a call that has started."""
        started_s = at_s if self.started_s is None else self.started_s
        return Timings(
            wait_s=self.dispatched_s - self.invocation.arrived_s,
            loading_s=started_s - self.dispatched_s,
            run_s=at_s - started_s,
        )


class Backlog:
    """All open calls, in order of arrival."""

    def __init__(self) -> None:
        self._calls: dict[str, OpenCall] = {}
        self._waiting: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._calls)

    @property
    def waiting_count(self) -> int:
        """How many calls wait for an instance."""
        return len(self._waiting)

    def open(self, invocation: Invocation) -> OpenCall:
        """Take in a new call; it waits."""
        call = OpenCall(invocation)
        self._calls[invocation.id] = call
        self._waiting[invocation.id] = None
        return call

    def get(self, invocation_id: str) -> OpenCall | None:
        """Return an open call, or None when it is closed or was never here."""
        return self._calls.get(invocation_id)

    def waiting(self) -> Iterator[OpenCall]:
        """Iterate over the calls that wait, oldest first; they may be dispatched meanwhile."""
        return (self._calls[id_] for id_ in tuple(self._waiting) if id_ in self._waiting)

    def starved(self) -> bool:
        """Whether a call waits for which no instance is being started."""
        if not self._waiting:
            return False
        return any(self._calls[id_].instance_id is None for id_ in self._waiting)

    def dispatch(self, call: OpenCall, instance_id: str, kind: StartKind, at_s: float) -> None:
        """Note that a call was handed to an instance."""
        self._waiting.pop(call.invocation.id, None)
        call.waiting = False
        call.instance_id = instance_id
        call.start_kind = kind
        call.dispatched_s = at_s
        call.attempts += 1

    def requeue(self, call: OpenCall) -> None:
        """Let a call wait again, before those that came later."""
        call.waiting = True
        call.instance_id = None
        self._waiting = {call.invocation.id: None, **self._waiting}

    def close(self, call: OpenCall) -> None:
        """Forget a call."""
        self._calls.pop(call.invocation.id, None)
        self._waiting.pop(call.invocation.id, None)

    def next_deadline_s(self) -> float:
        """When the first waiting call must have ended or be looked at; infinite when none waits."""
        if not self._waiting:
            return math.inf
        return min(min(call.invocation.deadline_s, call.look_again_s) for call in self.waiting())
