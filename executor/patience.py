"""When a call does better to wait for a running call than to load its function at once."""

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
        bare = serve.kind is StartKind.WARM
        worth_it = [
            run
            for other in self._state.of_owner(function.owner)
            if other.state is BUSY
            and (run := self.sooner(function, other, at_s, forks=bare and _forks(other, function)))
        ]
        taken = self._awaited_before(call) if worth_it else set()
        return min((run for run in worth_it if run.invocation_id not in taken), default=None)

    def sooner(
        self, function: Function, running: Instance, at_s: float, *, forks: bool
    ) -> Awaited | None:
        """Return the call that runs in an instance, if to wait for its end is sooner than to load.

        ``forks`` says that the function would be forked there, and have to import its library
        where it is loaded otherwise.
        """
        call = self._backlog.get(running.invocation or "")
        if call is None:
            return None
        spared_s = self._spared_s(function, call.invocation.function, forks=forks)
        run = self._foretold(call, at_s) if spared_s > 0.0 else None
        return run if run is not None and run.ends_s - at_s < spared_s else None

    def _awaited_before(self, call: OpenCall) -> set[str | None]:
        """Return the running calls that calls which came before wait for."""
        taken = set()
        for other in self._backlog.waiting():
            if other is call:
                break
            taken.add(other.awaits)
        return taken

    def _spared_s(self, function: Function, runs: str, *, forks: bool) -> float:
        """Return what of loading a call is spared where another runs."""
        if runs == function.name and self._warm_keeps_model:
            return function.profile.ready_s
        if not forks:
            return 0.0
        return self._bare_s.get(function.library or "", 0.0) - function.profile.ready_s

    def _foretold(self, call: OpenCall, at_s: float) -> Awaited | None:
        """Foretell when a call that runs ends, unless that is unknown or overdue."""
        if call.invocation.function not in self._run_s:
            return None
        mean_s = self._run_s[call.invocation.function]
        ready_s = self._state.functions[call.invocation.function].profile.ready_s
        begins_s = call.started_s or call.dispatched_s + ready_s
        overdue_s = begins_s + OVERDUE * mean_s
        if at_s >= overdue_s:
            return None
        return Awaited(max(at_s, begins_s + mean_s), overdue_s, call.invocation.id)


def _forks(instance: Instance, function: Function) -> bool:
    """Whether a function fits an instance and has its library there."""
    roomy = instance.limit_bytes >= function.memory_limit_bytes
    return roomy and function.library in instance.libraries


def _fold(means_s: dict[str, float], key: str, new_s: float) -> None:
    known_s = means_s.setdefault(key, new_s)
    means_s[key] = known_s + LEARNING_RATE * (new_s - known_s)
