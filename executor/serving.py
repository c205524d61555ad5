"""Takes calls in, hands them to instances and closes them, each exactly once."""

import math
from dataclasses import dataclass
from functools import partial

from executor import displacement, residencies, routing
from executor import events as ev
from executor.actions import Action, CancelRun, Finish, Load, Offload, Run, Served
from executor.backlog import Backlog, OpenCall
from executor.domain import GPU, HOST, Function, Instance, Invocation, StartKind, Tier
from executor.errors import (
    Cancelled,
    DeadlineExceeded,
    FunctionFailed,
    InvocationError,
    Rejected,
    UnknownFunction,
)
from executor.hosting import Hosting
from executor.patience import Patience
from executor.quarantine import Quarantine
from executor.routing import Worth
from executor.state import State

MAX_ATTEMPTS = 3
"""Runs of a call whose instances die before the function has the request."""

RETRY_S = 1.0
"""What a caller is told to wait when the backlog is full or an instance cannot be started."""

_ERRORS = {
    ev.FailureKind.DEADLINE: DeadlineExceeded,
    ev.FailureKind.CANCELLED: Cancelled,
}


@dataclass(frozen=True)
class ServeSettings:
    """How calls are served.

    Parameters
    ----------
    queue_limit
        Calls that may wait; more are rejected.
    warm_keeps_model
        Whether a function stays loaded after its call. Real platforms keep it; the published
        comparisons of pre-loading count a new load for every call of a warm container.
    """

    queue_limit: int = 1000
    warm_keeps_model: bool = True


@dataclass(frozen=True)
class Values:
    """What is weighed: the worth of a residency, the rank of an instance for eviction.

    ``gpu_worth_s`` is what a residency is worth more on a GPU than in memory.
    """

    worth_s: Worth
    eviction_rank: Worth
    gpu_worth_s: Worth


class Serving:
    """The life of calls from ``Arrived`` to ``Finish``; orders go to ``outbox``."""

    def __init__(
        self,
        state: State,
        hosting: Hosting,
        backlog: Backlog,
        patience: Patience,
        quarantine: Quarantine,
        values: Values,
        settings: ServeSettings,
        outbox: list[Action],
    ) -> None:
        self.backlog = backlog
        self._state = state
        self._hosting = hosting
        self._quarantine = quarantine
        self._values = values
        self._settings = settings
        self._outbox = outbox
        self._patience = patience

    def arrived(self, invocation: Invocation, at_s: float) -> None:
        """Take a call in and serve it, let it wait, or refuse it."""
        call = self.backlog.open(invocation)
        refusal = self._refusal(invocation.function, at_s)
        if refusal is not None:
            self._finish(call, refusal)
        else:
            self._place(call, at_s)

    def withdrawn(self, invocation_id: str) -> None:
        """End a call whose caller went away; one that runs is cancelled first."""
        call = self.backlog.get(invocation_id)
        if call is None:
            return
        if call.waiting:
            self._finish(call, Cancelled("the caller went away"))
        elif call.instance_id is not None:
            self._outbox.append(CancelRun(invocation_id, call.instance_id))

    def disabled(self, function: str) -> None:
        """End the calls that wait for a function that may no longer be called."""
        for call in self.backlog.waiting():
            if call.invocation.function == function:
                self._finish(call, UnknownFunction(f"{function!r} was disabled"))

    def tick(self, at_s: float) -> None:
        """End the calls that have waited too long, and look again at those whose wait was wrong."""
        for call in self.backlog.waiting():
            if call.invocation.deadline_s <= at_s:
                self._finish(call, DeadlineExceeded("the call found no instance in time"))
            elif call.look_again_s <= at_s:
                self._place(call, at_s)

    def drain(self, at_s: float) -> None:
        """Try to place the waiting calls, oldest first; of a function until one must still wait."""
        owners = self._state.take_undrained()
        if not self.backlog.waiting_count:
            return
        stuck: set[str] = set()
        for call in self.backlog.waiting():
            name = call.invocation.function
            starting = call.instance_id is not None
            if name in stuck or (starting and self._state.functions[name].owner not in owners):
                continue
            self._place(call, at_s)
            if call.waiting and call.instance_id is None:
                stuck.add(name)

    def instance_ready(self, instance: Instance, at_s: float) -> bool:
        """Give a new instance to the call it was started for; False when that does without."""
        for call in self.backlog.waiting():
            if call.instance_id == instance.id:
                function = self._state.functions[call.invocation.function]
                found = routing.Serve(instance.id, routing.start_kind(instance, function))
                if self._waits(call, function, found, at_s):
                    call.instance_id = None
                    return False
                self._dispatch(call, instance.id, StartKind.COLD, at_s)
                return True
        return False

    def instance_gone(self, instance: Instance, error: str | None) -> None:
        """End the call that ran in an instance, or let it try again elsewhere."""
        reason = error or "the instance was stopped"
        running = self.backlog.get(instance.invocation) if instance.invocation else None
        if running is not None:
            self._lost(running, FunctionFailed(reason))
        for call in self.backlog.waiting():
            if call.instance_id == instance.id:
                call.instance_id = None
                call.attempts += 1
                if call.attempts >= MAX_ATTEMPTS:
                    refusal = f"no instance could be started: {reason}"
                    self._finish(call, Rejected(refusal, RETRY_S))

    def started(self, event: ev.Started) -> None:
        """Note that a function has its request."""
        call = self.backlog.get(event.invocation_id)
        if call is None:
            return
        call.started_s = event.at_s
        if event.instance_id in self._state.instances:
            self._state.started(event.instance_id, call.invocation.function, event.tier)
        name, report = call.invocation.function, event.report
        if report is not None:
            self._quarantine.cleared(name)
            self._state.catalogue.learn(name, report, event.tier)
            self._state.forked(event.instance_id, name, report.library_bytes)
        loading_s = event.at_s - call.dispatched_s
        self._patience.started(self._state.functions[name], call.start_kind, loading_s)

    def completed(self, event: ev.Completed) -> None:
        """Close a call that was answered."""
        call = self.backlog.get(event.invocation_id)
        if call is None:
            return
        kind, timings = call.start_kind or StartKind.WARM, call.timings(event.at_s)
        self._patience.ended(call.invocation.function, timings.run_s)
        self._finish(call, Served(kind, event.instance_id, timings))
        self._run_ended(call, event.instance_id, kept=not event.exited, at_s=event.at_s)

    def failed(self, event: ev.Failed) -> None:
        """Close a call that went wrong; one that its function never saw is tried again."""
        call = self.backlog.get(event.invocation_id)
        if call is None:
            return
        if event.kind is ev.FailureKind.CRASH:
            self._lost(call, FunctionFailed(event.error))
        else:
            self._finish(call, _ERRORS.get(event.kind, FunctionFailed)(event.error))
        if event.kind is ev.FailureKind.LOAD:
            self._quarantine.failed(call.invocation.function, event.error, event.at_s)
        kept = event.kind is ev.FailureKind.ERROR
        self._run_ended(call, event.instance_id, kept=kept, at_s=event.at_s)

    def _refusal(self, function: str, at_s: float) -> InvocationError | None:
        if function not in self._state.enabled:
            return UnknownFunction(f"no function {function!r} is enabled")
        ban = self._quarantine.ban(function, at_s)
        if ban is not None and ban.failures > 1:  # one failure may be chance, such as a kill
            error = f"{function} failed to load {ban.failures} times in a row: {ban.error}"
            return Rejected(error, ban.until_s - at_s)
        if self.backlog.waiting_count > self._settings.queue_limit:
            return Rejected("too many calls are waiting", RETRY_S)
        return None

    def _place(self, call: OpenCall, at_s: float) -> None:
        function = self._state.functions[call.invocation.function]
        call.awaits, call.look_again_s = None, math.inf
        match self._decide(call, function, at_s):
            case routing.Serve() as serve if self._waits(call, function, serve, at_s):
                pass
            case routing.Serve(instance_id, kind):
                self._dispatch(call, instance_id, kind, at_s)
            case routing.Create(worker):
                call.instance_id = self._hosting.create_for_call(worker, function, at_s).id
            case routing.Reuse(instance_id):
                old = self._state.instances[instance_id]
                call.instance_id = self._hosting.reuse_for_call(old, function, at_s).id
            case routing.Evict(instance_ids):
                for instance_id in instance_ids:
                    self._hosting.stop(self._state.instances[instance_id], at_s)
            case routing.Refuse(reason):
                self._finish(call, Rejected(reason, RETRY_S))
            case routing.Wait():
                pass

    def _decide(self, call: OpenCall, function: Function, at_s: float) -> routing.Decision:
        """Decide on a call; one that an instance is being started for waits or finds another."""
        values = self._values
        lent = partial(self._hosting.lent, at_s=at_s)
        if call.instance_id is not None:
            idle = routing.choose_idle(self._state, function, values.worth_s, lent)
            return idle or routing.Wait()
        reusable = partial(self._hosting.reusable, at_s=at_s)
        return routing.choose(
            self._state, function, values.worth_s, lent, values.eviction_rank, reusable
        )

    def _waits(self, call: OpenCall, function: Function, serve: routing.Serve, at_s: float) -> bool:
        """Whether a call that would have to load its function waits for one that runs instead."""
        run = self._patience.awaited(call, function, serve, at_s)
        if run is not None:
            call.awaits, call.look_again_s = run.invocation_id, run.overdue_s
        return run is not None

    def _dispatch(self, call: OpenCall, instance_id: str, kind: StartKind, at_s: float) -> None:
        invocation = call.invocation
        function = self._state.functions[invocation.function]
        held = self._state.instances[instance_id].residencies
        kept = residencies.kept(function, held, self._state.functions)
        run = Run(
            invocation.id,
            instance_id,
            function.name,
            self._tier(instance_id, function, kept),
            invocation.deadline_s,
            kept,
        )
        self.backlog.dispatch(call, instance_id, kind, at_s)
        self._hosting.taken(instance_id, function, kind, at_s)
        self._state.run(run, at_s)
        self._outbox.append(run)

    def _tier(self, instance_id: str, function: Function, kept: frozenset[str]) -> Tier:
        """Choose where a call is served; on a full GPU the least valuable models give way."""
        instance = self._state.instances[instance_id]
        loss_s = self._values.gpu_worth_s
        displaced = displacement.for_call(self._state, instance, function, kept, loss_s)
        for one in displaced or ():
            self._state.loading(one.instance_id, one.function, HOST)
            self._outbox.append(Load(one.instance_id, one.function, HOST))
        return HOST if displaced is None else GPU

    def _lost(self, call: OpenCall, error: InvocationError) -> None:
        """Let a call that its function never saw try again; end one that it may have seen."""
        if call.started_s is None and call.attempts < MAX_ATTEMPTS:
            self.backlog.requeue(call)
        else:
            self._finish(call, error)

    def _run_ended(self, call: OpenCall, instance_id: str, *, kept: bool, at_s: float) -> None:
        if instance_id not in self._state.instances:
            return
        function = call.invocation.function
        if not kept:
            self._state.drop(instance_id, function, run_ended=True)
        instance = self._state.idle(instance_id, at_s)
        unwanted = not self._settings.warm_keeps_model or function not in self._state.enabled
        if kept and unwanted:
            self._state.offloading(instance_id, function)
            self._outbox.append(Offload(instance_id, function))
        self._hosting.turned_idle(instance, at_s)

    def _finish(self, call: OpenCall, outcome: Served | InvocationError) -> None:
        self.backlog.close(call)
        invocation = call.invocation
        self._outbox.append(Finish(invocation.id, invocation.function, outcome))
