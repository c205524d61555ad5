"""A runtime in which only time passes: no processes, the same rules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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
from executor.clock import Timer
from executor.domain import Profile, Tier
from executor.runtimes.protocol import Sink


@dataclass(frozen=True, slots=True)
class SimCosts:
    """Seconds that things take; ``run_s`` gives those of a call by its id and function.

    ``reuse_s`` is a start in the container of an instance that just stopped: killing what is in it
    takes up to 50 ms, forking a fresh manager 5 ms (both measured).
    """

    profiles: Mapping[str, Profile]
    run_s: Callable[[str, str], float]
    start_s: float = 0.55
    offload_s: float = 0.02
    reuse_s: float = 0.05


@dataclass(slots=True)
class _Resident:
    tier: Tier
    asked: bool
    ready: bool = False


@dataclass(slots=True)
class _Instance:
    residents: dict[str, _Resident] = field(default_factory=dict)
    run: Run | None = None
    started: bool = False
    ready: bool = False


class SimRuntime:
    """Answers actions after the time that they would take."""

    def __init__(self, timer: Timer, costs: SimCosts, sink: Sink) -> None:
        self._timer = timer
        self._costs = costs
        self._sink = sink
        self._instances: dict[str, _Instance] = {}

    def submit(self, action: RuntimeAction) -> None:
        """Begin to carry out an action."""
        match action:
            case StartInstance():
                self._start(action.instance_id, reused=action.reuses is not None)
            case StopInstance():
                self._stop(action.instance_id)
            case Load():
                self._load(action)
            case Offload():
                self._offload(action)
            case Run():
                self._run(action)
            case CancelRun():
                self._cancel(action)

    def kill(self, instance_id: str) -> None:
        """Let an instance die, as a crash would."""
        instance = self._instances.pop(instance_id, None)
        if instance is not None:
            instance.run = None
            instance.residents.clear()
            self._sink(ev.InstanceGone(self._now_s, instance_id, "the instance died"))

    def _start(self, instance_id: str, *, reused: bool) -> None:
        instance = self._instances.setdefault(instance_id, _Instance())

        def up() -> None:
            if self._instances.get(instance_id) is instance:
                instance.ready = True
                self._sink(ev.InstanceReady(self._now_s, instance_id, 0))

        self._after(self._costs.reuse_s if reused else self._costs.start_s, up)

    def _stop(self, instance_id: str) -> None:
        instance = self._instances.pop(instance_id, None)
        if instance is not None:
            instance.run = None
            instance.residents.clear()

        def gone() -> None:
            self._sink(ev.InstanceGone(self._now_s, instance_id))

        self._after(self._costs.offload_s, gone)

    def _load(self, action: Load) -> None:
        instance = self._instances.get(action.instance_id)
        name = action.function
        if instance is None or instance.run is not None:
            reason = "no such instance" if instance is None else "the instance serves a call"
            failed = ev.LoadFailed(self._now_s, action.instance_id, name, reason, blame=False)
            return self._sink(failed)
        resident = instance.residents.get(name)
        if resident is not None and resident.ready:
            return self._sink(self._loaded(action.instance_id, name, resident.tier))
        self._begin(instance, action.instance_id, name, action.tier, asked=True)
        return None

    def _begin(
        self, instance: _Instance, instance_id: str, name: str, tier: Tier, *, asked: bool
    ) -> None:
        resident = _Resident(tier, asked=asked)
        instance.residents[name] = resident

        def ready() -> None:
            if instance.residents.get(name) is not resident:
                return
            resident.ready = True
            if asked:
                self._sink(self._loaded(instance_id, name, tier))
            if instance.run is not None and instance.run.function == name:
                self._infer(instance, instance.run, self._report(name))

        self._after(self._costs.profiles[name].ready_s, ready)

    def _offload(self, action: Offload) -> None:
        instance = self._instances.get(action.instance_id)
        name = action.function
        resident = instance.residents.get(name) if instance is not None else None
        if instance is None or resident is None:
            return self._sink(ev.Offloaded(self._now_s, action.instance_id, name))

        def gone() -> None:
            if instance.residents.get(name) is not resident or instance.run is not None:
                return
            self._remove(instance, action.instance_id, name)

        return self._after(self._costs.offload_s, gone)

    def _remove(self, instance: _Instance, instance_id: str, name: str) -> None:
        resident = instance.residents.pop(name)
        if resident.asked and not resident.ready:
            reason = "taken away while loading"
            self._sink(ev.LoadFailed(self._now_s, instance_id, name, reason, blame=False))
        self._sink(ev.Offloaded(self._now_s, instance_id, name))

    def _run(self, run: Run) -> None:
        instance = self._instances.get(run.instance_id)
        if instance is None or not instance.ready:
            return self._fail(run, ev.FailureKind.CRASH, "no such instance")
        instance.run, instance.started = run, False
        leaving = [n for n in instance.residents if n != run.function and n not in run.keep]
        self._timer.at(run.deadline_s, lambda: self._expire(instance, run))

        def cleared() -> None:
            if instance.run is not run:
                return
            for name in leaving:
                self._remove(instance, run.instance_id, name)
            self._serve(instance, run)

        return self._after(self._costs.offload_s if leaving else 0.0, cleared)

    def _serve(self, instance: _Instance, run: Run) -> None:
        resident = instance.residents.get(run.function)
        if resident is None:
            self._begin(instance, run.instance_id, run.function, run.tier, asked=False)
        elif resident.ready:
            self._infer(instance, run, None)

    def _infer(self, instance: _Instance, run: Run, report: ev.LoadReport | None) -> None:
        instance.started = True
        self._sink(ev.Started(self._now_s, run.invocation_id, run.instance_id, report))

        def done() -> None:
            if instance.run is run:
                instance.run = None
                self._sink(ev.Completed(self._now_s, run.invocation_id, run.instance_id))

        self._after(self._costs.run_s(run.invocation_id, run.function), done)

    def _expire(self, instance: _Instance, run: Run) -> None:
        if instance.run is run and self._instances.get(run.instance_id) is instance:
            self._abort(instance, run, ev.FailureKind.DEADLINE, "the call took too long")

    def _cancel(self, action: CancelRun) -> None:
        instance = self._instances.get(action.instance_id)
        run = instance.run if instance is not None else None
        if instance is not None and run is not None and run.invocation_id == action.invocation_id:
            self._abort(instance, run, ev.FailureKind.CANCELLED, "the call was withdrawn")

    def _abort(self, instance: _Instance, run: Run, kind: ev.FailureKind, error: str) -> None:
        instance.run = None
        resident = instance.residents.pop(run.function, None)
        if resident is not None and resident.asked and not resident.ready:
            name = run.function
            self._sink(ev.LoadFailed(self._now_s, run.instance_id, name, error, blame=False))
        self._fail(run, kind, error)

    def _fail(self, run: Run, kind: ev.FailureKind, error: str) -> None:
        self._sink(ev.Failed(self._now_s, run.invocation_id, run.instance_id, kind, error))

    def _loaded(self, instance_id: str, name: str, tier: Tier) -> ev.Loaded:
        return ev.Loaded(self._now_s, instance_id, name, tier, self._report(name))

    def _report(self, name: str) -> ev.LoadReport:
        profile = self._costs.profiles[name]
        return ev.LoadReport(
            profile.import_s, profile.load_s, profile.memory_bytes, profile.library_bytes
        )

    @property
    def _now_s(self) -> float:
        return self._timer.now_s()

    def _after(self, delay_s: float, callback: Callable[[], None]) -> None:
        self._timer.at(self._timer.now_s() + delay_s, callback)
