"""The heart: events in, actions out. Synchronous; no I/O, no clock, no sleep."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from executor import events as ev
from executor.accounts import Accounts
from executor.actions import Action, Offload, StopInstance, WakeAt
from executor.backlog import Backlog
from executor.domain import GPU, LOADING, MOVING, READY, Function, Worker
from executor.hosting import Hosting
from executor.lifecycle import Lifecycle
from executor.patience import Patience
from executor.preload import PlanSettings, Preloader
from executor.quarantine import Quarantine
from executor.serving import ServeSettings, Serving, Values
from executor.state import State
from predictors.arrival.protocol import ArrivalPredictor
from predictors.keepalive.protocol import KeepAlivePolicy

START_S = 0.55
"""Container start of a small Docker image (Sui et al., SoCC 2024)."""


_PASSING = frozenset((ev.Started, ev.Loaded, ev.Offloaded, ev.LoadFailed, ev.Measured))
"""Events that no call, policy or date waits for: all they may call for is in ``State``."""

_THERE = (LOADING, MOVING, READY)
"""What an offload ends; the rest is used by a call or is leaving already."""


@dataclass(frozen=True)
class Settings:
    """What the controller may do; without ``plan`` it does not pre-load.

    ``start_s`` is how long a container takes to start, for policies that weigh what starts cost.
    """

    serve: ServeSettings = field(default_factory=ServeSettings)
    plan: PlanSettings | None = field(default_factory=PlanSettings)
    start_s: float = START_S


class Controller:
    """Serves calls in the instances that the policy keeps, and pre-loads into the idle ones."""

    def __init__(
        self,
        functions: Iterable[Function],
        workers: Iterable[Worker],
        policy: KeepAlivePolicy,
        predictor: ArrivalPredictor,
        settings: Settings,
    ) -> None:
        self._outbox: list[Action] = []
        self.state = State(functions, workers)
        self.quarantine = Quarantine()
        self._lifecycle = Lifecycle(policy, self.state, settings.start_s)
        warm_keeps_model = settings.serve.warm_keeps_model
        backlog = Backlog()
        patience = Patience(self.state, backlog, warm_keeps_model=warm_keeps_model)
        accounts = Accounts(
            self.state,
            self._lifecycle,
            patience,
            preloads=settings.plan is not None,
            warm_keeps_model=warm_keeps_model,
        )
        self._hosting = Hosting(self.state, self._lifecycle, accounts, self._outbox)
        self._preloader = Preloader(
            self.state,
            predictor,
            self._lifecycle,
            self.quarantine,
            settings.plan,
            warm_keeps_model=warm_keeps_model,
        )
        self.serving = Serving(
            self.state,
            self._hosting,
            backlog,
            patience,
            self.quarantine,
            Values(
                self._preloader.worth_s,
                self._lifecycle.eviction_rank,
                self._preloader.gpu_worth_s,
            ),
            settings.serve,
            self._outbox,
        )
        self._drained_version = 0
        self._wake_s = math.inf

    def step(self, *events: ev.Event) -> list[Action]:
        """Fold the events of one moment and return what to do now, in order.

        Raises
        ------
        PlanRejected
            When a plan is infeasible or misstates its value: a bug of its solver.
        """
        at_s = events[-1].at_s
        for event in events:
            self._fold(event)
        if self._nothing_to_do(events):
            return []
        if self.state.capacity_version != self._drained_version:
            self._drained_version = self.state.capacity_version
            self.serving.drain(at_s)
        if not self.serving.backlog.starved():
            self._hosting.top_up(at_s)
        self._outbox.extend(self._preloader.actions(at_s))
        self._ask_to_wake()
        actions = self._outbox.copy()
        self._outbox.clear()
        return actions

    def _nothing_to_do(self, events: Iterable[ev.Event]) -> bool:
        """Whether events were folded that leave all as it is wished for."""
        if self.state.capacity_version != self._drained_version or self._preloader.may_drift():
            return False
        return _PASSING.issuperset(map(type, events))

    def _fold(self, event: ev.Event) -> None:  # noqa: C901 - one case an event
        match event:  # the most frequent first
            case ev.Offloaded():
                self.state.drop(event.instance_id, event.function)
            case ev.Loaded():
                self._loaded(event)
            case ev.Arrived():
                self._arrived(event)
            case ev.Started():
                self.serving.started(event)
            case ev.Completed():
                self.serving.completed(event)
            case ev.LoadFailed():
                self._load_failed(event)
            case ev.Measured():
                self.state.measured(event.instance_id, event.memory_bytes, event.library_bytes)
            case ev.Tick():
                self._wake_s = math.inf
                self.serving.tick(event.at_s)
                self._hosting.tick(event.at_s)
            case ev.PlanReady():
                self._preloader.take(event)
            case ev.Withdrawn():
                self.serving.withdrawn(event.invocation_id)
            case ev.FunctionEnabled():
                self.state.enable(event.function)
            case ev.FunctionDisabled():
                self._disabled(event.function)
            case ev.InstanceReady():
                self._instance_ready(event)
            case ev.InstancesFound():
                self._instances_found(event)
            case ev.InstanceGone():
                self._instance_gone(event)
            case ev.GpusMeasured():
                self.state.gpus_measured(event.budget_bytes)
            case ev.Failed():
                self.serving.failed(event)
            case ev.WorkerSeen():
                self._hosting.worker_seen(event.worker, answers=event.answers)

    def _arrived(self, event: ev.Arrived) -> None:
        name = event.invocation.function
        if name in self.state.enabled:
            self._lifecycle.arrived(name, event.at_s)
            self._preloader.arrived(name, event.at_s)
        self.serving.arrived(event.invocation, event.at_s)

    def _disabled(self, function: str) -> None:
        self.state.disable(function)
        self.serving.disabled(function)
        for instance in self.state.of_owner(self.state.functions[function].owner):
            held = instance.residencies.get(function)
            if held is not None and held.state in _THERE:
                self.state.offloading(instance.id, function)
                self._outbox.append(Offload(instance.id, function))

    def _instance_ready(self, event: ev.InstanceReady) -> None:
        instance = self.state.ready(event.instance_id, event.base_bytes, event.at_s)
        if not self.serving.instance_ready(instance, event.at_s):
            self._hosting.turned_idle(instance, event.at_s)

    def _instances_found(self, event: ev.InstancesFound) -> None:
        held = (one for instance in event.instances for one in instance.residencies.values())
        tiers = {one.function: one.tier for one in held}
        for function, report in event.reports.items():
            self.state.catalogue.learn(function, report, tiers[function])
        known = [one for one in event.instances if one.gpu is None or one.gpu in self.state.gpus]
        for instance in known:
            self.state.found(instance)
        for instance in known:
            self._hosting.found(instance, event.at_s)
        self._outbox.extend(StopInstance(one.id) for one in event.instances if one not in known)

    def _instance_gone(self, event: ev.InstanceGone) -> None:
        instance = self._hosting.gone(event.instance_id)
        if instance is not None:
            self.serving.instance_gone(instance, event.error)

    def _loaded(self, event: ev.Loaded) -> None:
        self.quarantine.cleared(event.function)
        instance = self.state.instances.get(event.instance_id)
        held = instance.residencies.get(event.function) if instance is not None else None
        if held is None or held.state is not MOVING:
            self.state.catalogue.learn(event.function, event.report, event.tier)
        elif event.tier is GPU:
            self.state.catalogue.learn_move(event.function, event.report)
        self._preloader.loaded(event)
        if instance is not None:
            size_bytes = event.report.memory_bytes
            self.state.loaded(instance.id, event.function, event.tier, size_bytes)
            self.state.forked(instance.id, event.function, event.report.library_bytes)

    def _load_failed(self, event: ev.LoadFailed) -> None:
        self.state.drop(event.instance_id, event.function)
        if event.blame:
            self.quarantine.failed(event.function, event.error, event.at_s)

    def _ask_to_wake(self) -> None:
        due_s = min(
            self._lifecycle.next_s(),
            self.serving.backlog.next_deadline_s(),
            self._preloader.next_s(),
        )
        if due_s < self._wake_s:
            self._wake_s = due_s
            self._outbox.append(WakeAt(due_s))
