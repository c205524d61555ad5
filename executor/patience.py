"""When a call does better to wait for a running call of its function than to load it anew."""

from collections.abc import Iterator
from typing import NamedTuple

from executor.backlog import Backlog, OpenCall
from executor.domain import Function, ResidencyState
from executor.routing import Serve
from executor.state import State

LEARNING_RATE = 0.3
"""Weight of a new run time in its running mean."""

OVERDUE = 2.0
"""A run this many times longer than the mean says nothing of when it will end."""


class _Run(NamedTuple):
    """When a running call should end, and from when on nothing is known of that."""

    ends_s: float
    overdue_s: float


class Patience:
    """Learns how long runs take, and compares.

    A function stays loaded after its call, so that whoever waits for the end of a running call
    starts at inference. For each running call one may wait, and none where no instance is idle or
    the function is being loaded already.
    """

    def __init__(self, state: State, backlog: Backlog) -> None:
        self._state = state
        self._backlog = backlog
        self._run_s: dict[str, float] = {}

    def learn(self, function: str, run_s: float) -> None:
        """Fold how long a run took."""
        known_s = self._run_s.setdefault(function, run_s)
        self._run_s[function] = known_s + LEARNING_RATE * (run_s - known_s)

    def until_s(
        self, call: OpenCall, function: Function, serve: Serve, at_s: float
    ) -> float | None:
        """Return how long to wait for a running call to end; None when loading should be sooner."""
        instance = self._state.instances[serve.instance_id]
        if function.name in instance.residencies or function.name not in self._run_s:
            return None
        runs, ahead = sorted(self._runs(function, at_s)), self._ahead(call)
        if ahead >= len(runs) or runs[ahead].ends_s - at_s >= function.profile.ready_s:
            return None
        return runs[ahead].overdue_s

    def _ahead(self, call: OpenCall) -> int:
        """Count the calls of the same function that wait for no start and came before."""
        count = 0
        for other in self._backlog.waiting():
            if other is call:
                break
            same = other.invocation.function == call.invocation.function
            count += same and other.instance_id is None
        return count

    def _runs(self, function: Function, at_s: float) -> Iterator[_Run]:
        """Foretell when the running calls of a function end, but for those that are overdue."""
        mean_s = self._run_s[function.name]
        for instance in self._state.holders(function.name):
            state = instance.residencies[function.name].state
            call = self._backlog.get(instance.invocation or "")
            if call is None or state is not ResidencyState.RUNNING:
                continue
            begins_s = call.started_s or call.dispatched_s + function.profile.ready_s
            overdue_s = begins_s + OVERDUE * mean_s
            if at_s < overdue_s:
                yield _Run(max(at_s, begins_s + mean_s), overdue_s)
