"""When a call does better to wait for a running call than to load its function at once."""

from collections.abc import Iterator
from typing import NamedTuple

from executor.backlog import Backlog, OpenCall
from executor.domain import BUSY, Function, Instance, StartKind
from executor.routing import Serve
from executor.state import State

LEARNING_RATE = 0.3
"""Weight of a new time in its running mean."""

OVERDUE = 2.0
"""A run this many times longer than the mean says nothing of when it will end."""


class Awaited(NamedTuple):
    """A running call to wait for: when it should end, and from when on nothing is known of that."""

    ends_s: float
    overdue_s: float
    invocation_id: str


class Patience:
    """Learns how long runs and loads of libraries take, and compares.

    Where a function stays loaded after its call, whoever waits for the end of a running call of it
    starts at inference. A call for which there is only an instance without its library may also
    wait for any call to end in an instance that has it, where functions are forked in a moment. For
    each running call one may wait, and none where its function is being loaded already.
    """

    def __init__(self, state: State, backlog: Backlog, *, warm_keeps_model: bool) -> None:
        self._state = state
        self._backlog = backlog
        self._warm_keeps_model = warm_keeps_model
        self._run_s: dict[str, float] = {}
        self._bare_s: dict[str, float] = {}

    def started(self, function: Function, kind: StartKind | None, loading_s: float) -> None:
        """Fold how long a call took to get its function, where its library had to be imported."""
        if kind in (StartKind.COLD, StartKind.WARM) and function.profile.library_bytes:
            _fold(self._bare_s, function.library or "", loading_s)

    def ended(self, function: str, run_s: float) -> None:
        """Fold how long a run took."""
        _fold(self._run_s, function, run_s)

    def awaited(
        self, call: OpenCall, function: Function, serve: Serve, at_s: float
    ) -> Awaited | None:
        """Return the running call to wait for; None when loading should be sooner."""
        instance = self._state.instances[serve.instance_id]
        if function.name in instance.residencies:
            return None
        worth_it = [
            run
            for other in self._state.of_owner(function.owner)
            if other.state is BUSY
            for run in self._run(other, at_s)
            if run.ends_s - at_s < self._spared_s(function, serve, other)
        ]
        taken = self._awaited_before(call) if worth_it else set()
        return min((run for run in worth_it if run.invocation_id not in taken), default=None)

    def _awaited_before(self, call: OpenCall) -> set[str | None]:
        """Return the running calls that calls which came before wait for."""
        taken = set()
        for other in self._backlog.waiting():
            if other is call:
                break
            taken.add(other.awaits)
        return taken

    def _spared_s(self, function: Function, serve: Serve, other: Instance) -> float:
        """Return what of loading a call is spared when it runs in another instance, busy now."""
        running = self._backlog.get(other.invocation or "")
        runs = running is not None and running.invocation.function == function.name
        if runs and self._warm_keeps_model:
            return function.profile.ready_s
        roomy = other.limit_bytes >= function.memory_limit_bytes
        if serve.kind is not StartKind.WARM or not roomy or function.library not in other.libraries:
            return 0.0
        return self._bare_s.get(function.library or "", 0.0) - function.profile.ready_s

    def _run(self, instance: Instance, at_s: float) -> Iterator[Awaited]:
        """Foretell when the call in an instance ends, unless that is unknown or overdue."""
        call = self._backlog.get(instance.invocation or "")
        if call is None or call.invocation.function not in self._run_s:
            return
        mean_s = self._run_s[call.invocation.function]
        ready_s = self._state.functions[call.invocation.function].profile.ready_s
        begins_s = call.started_s or call.dispatched_s + ready_s
        overdue_s = begins_s + OVERDUE * mean_s
        if at_s < overdue_s:
            yield Awaited(max(at_s, begins_s + mean_s), overdue_s, call.invocation.id)


def _fold(means_s: dict[str, float], key: str, new_s: float) -> None:
    known_s = means_s.setdefault(key, new_s)
    means_s[key] = known_s + LEARNING_RATE * (new_s - known_s)
