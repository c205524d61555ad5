"""A runtime in which only time passes: no processes, the same rules."""

import math
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
from executor.runtimes.sim_cores import SharedCores
from executor.runtimes.sim_libraries import SimLibraries, SimLibrary


@dataclass(frozen=True, slots=True)
class SimCosts:
    """Seconds that things take; ``run_s`` gives those of a call by its id and function.

    ``reuse_s`` is a start in the container of an instance that just stopped: killing what is in it
    takes up to 50 ms, forking a fresh manager 5 ms (both measured). ``base_bytes`` is what an
    instance holds with nothing loaded. A function in ``libraries`` is forked from a process that
    has imported its library, the first of an instance once that is done; all others import what
    they need themselves. ``first_call_s`` is what the first call after a load takes more,
    ``call_s`` the way of any call to its function. All of it is work of one processor each: where
    more is under way than there are ``cores``, all of it takes longer.
    """

    profiles: Mapping[str, Profile]
    run_s: Callable[[str, str], float]
    start_s: float = 0.55
    offload_s: float = 0.02
    reuse_s: float = 0.05
    base_bytes: int = 0
    libraries: Mapping[str, SimLibrary] = field(default_factory=dict)
    first_call_s: Mapping[str, float] = field(default_factory=dict)
    call_s: float = 0.0
    cores: float = math.inf


@dataclass(slots=True)
class _Resident:
    """A function: the tier where it is or is being loaded to, and the one where it shall be.

    ``loads`` is how many such requests it still has to answer; ``fresh`` that it served no call;
    ``move_s`` how long its last way to the GPU took.
    """

    tier: Tier
    target: Tier
    loads: int = 0
    ready: bool = False
    moving: bool = False
    fresh: bool = True
    move_s: float = 0.0


@dataclass(slots=True)
class _Instance:
    """``cleared``: the others are gone; ``waited``: the call found its function not loaded."""

    libraries: SimLibraries
    gpu: str | None = None
    residents: dict[str, _Resident] = field(default_factory=dict)
    run: Run | None = None
    cleared: bool = False
    waited: bool = False
    started: bool = False
    ready: bool = False

    def reachable(self, tier: Tier) -> Tier:
        """Return where a function can be: without a GPU, in memory only."""
        return Tier.HOST if self.gpu is None and tier is Tier.GPU else tier

    def waiting(self, name: str) -> Run | None:
        """Return the call that waits for a function."""
        run = self.run
        return run if run is not None and run.function == name and not self.started else None


class SimRuntime:
    """Answers actions after the time that they would take."""

    def __init__(self, timer: Timer, costs: SimCosts, sink: Sink) -> None:
        self._timer = timer
        self._work = timer if costs.cores == math.inf else SharedCores(timer, costs.cores)
        self._costs = costs
        self._sink = sink
        self._instances: dict[str, _Instance] = {}

    def submit(self, action: RuntimeAction) -> None:
        """Begin to carry out an action."""
        match action:
            case StartInstance():
                self._start(action)
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

    def _start(self, action: StartInstance) -> None:
        instance_id = action.instance_id
        libraries = SimLibraries(action.limit_bytes - self._costs.base_bytes)
        instance = self._instances.setdefault(instance_id, _Instance(libraries, action.gpu))

        def up() -> None:
            if self._instances.get(instance_id) is instance:
                instance.ready = True
                self._sink(ev.InstanceReady(self._now_s, instance_id, self._costs.base_bytes))

        self._after(self._costs.start_s if action.reuses is None else self._costs.reuse_s, up)

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
        if instance is None or not _may_load(instance, name):
            reason = "no such instance" if instance is None else "the instance serves a call"
            failed = ev.LoadFailed(self._now_s, action.instance_id, name, reason, blame=False)
            return self._sink(failed)
        tier = instance.reachable(action.tier)
        if name not in instance.residents:
            self._begin(instance, action.instance_id, name, tier)
        resident = instance.residents[name]
        resident.loads += 1
        resident.target = tier
        return self._settle(instance, action.instance_id, name)

    def _begin(self, instance: _Instance, instance_id: str, name: str, tier: Tier) -> None:
        move_s = self._move_s(name, tier)
        resident = instance.residents[name] = _Resident(tier, tier, move_s=move_s)

        def ready() -> None:
            if instance.residents.get(name) is resident:
                resident.ready = True
                self._settle(instance, instance_id, name)

        load_s = self._costs.profiles[name].ready_s + move_s
        self._after(self._library_s(instance, instance_id, name) + load_s, ready)

    def _library_s(self, instance: _Instance, instance_id: str, name: str) -> float:
        """Return the seconds until a function can be forked; its library is imported if need be."""
        library = self._costs.libraries.get(name)
        if library is None:
            return 0.0
        others = [self._costs.libraries.get(one) for one in instance.residents if one != name]
        used = {one.name for one in others if one is not None}
        functions_bytes = sum(self._costs.profiles[one].memory_bytes for one in instance.residents)
        if instance.libraries.make_room(functions_bytes, library, used):
            self._measured(instance, instance_id)
        wait_s = instance.libraries.ready_s(library, self._work.now_s()) - self._work.now_s()
        if wait_s > 0:
            self._after(wait_s, lambda: self._measured(instance, instance_id))
        return max(0.0, wait_s)

    def _measured(self, instance: _Instance, instance_id: str) -> None:
        """Say which libraries there are."""
        if self._instances.get(instance_id) is instance:
            libraries = instance.libraries.imported(self._work.now_s())
            self._sink(ev.Measured(self._now_s, instance_id, {}, libraries))

    def _settle(self, instance: _Instance, instance_id: str, name: str) -> None:
        """Bring what is loaded to where it shall be, then answer those who wait for that."""
        resident = instance.residents.get(name)
        if resident is None or not resident.ready or resident.moving:
            return
        run = instance.waiting(name)
        if run is None and instance.run is not None and instance.run.function == name:
            return
        target = resident.target if run is None else instance.reachable(run.tier)
        if resident.tier is not target:
            self._move(instance, instance_id, name, target)
            return
        if target is resident.target:
            self._answer(instance_id, name, resident)
        if run is not None and instance.cleared:
            self._infer(instance, run, resident)

    def _move(self, instance: _Instance, instance_id: str, name: str, tier: Tier) -> None:
        """Move what is loaded; the way back to memory copies nothing."""
        resident = instance.residents[name]
        resident.moving = True
        move_s = self._move_s(name, tier)

        def moved() -> None:
            if instance.residents.get(name) is resident:
                resident.moving, resident.tier = False, tier
                resident.move_s = move_s or resident.move_s
                self._settle(instance, instance_id, name)

        self._after(move_s, moved)

    def _answer(self, instance_id: str, name: str, resident: _Resident) -> None:
        loads, resident.loads = resident.loads, 0
        for _ in range(loads):
            self._sink(
                ev.Loaded(
                    self._now_s, instance_id, name, resident.tier, self._report(name, resident)
                )
            )

    def _move_s(self, name: str, tier: Tier) -> float:
        gpu = self._costs.profiles[name].gpu
        return gpu.move_s if gpu is not None and tier is Tier.GPU else 0.0

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
        self._fail_loads(instance_id, name, instance.residents.pop(name), "taken away")
        self._sink(ev.Offloaded(self._now_s, instance_id, name))

    def _run(self, run: Run) -> None:
        instance = self._instances.get(run.instance_id)
        if instance is None or not instance.ready:
            return self._fail(run, ev.FailureKind.CRASH, "no such instance")
        instance.run, instance.started, instance.cleared = run, False, False
        leaving = [n for n in instance.residents if n != run.function and n not in run.keep]
        self._timer.at(run.deadline_s, lambda: self._expire(instance, run))

        def cleared() -> None:
            if instance.run is not run:
                return
            for name in leaving:
                self._remove(instance, run.instance_id, name)
            self._serve(instance, run)

        rounds = max(1.0, len(leaving) / self._costs.cores) if leaving else 0.0
        return self._after(self._costs.call_s + self._costs.offload_s * rounds, cleared)

    def _serve(self, instance: _Instance, run: Run) -> None:
        tier = instance.reachable(run.tier)
        instance.cleared = True
        if run.function not in instance.residents:
            self._begin(instance, run.instance_id, run.function, tier)
        resident = instance.residents[run.function]
        instance.waited = not resident.ready
        resident.target = tier
        self._settle(instance, run.instance_id, run.function)

    def _infer(self, instance: _Instance, run: Run, resident: _Resident) -> None:
        instance.started = True
        report = self._report(run.function, resident) if instance.waited else None
        call, tier = run.invocation_id, resident.tier
        self._sink(ev.Started(self._now_s, call, run.instance_id, report, tier))

        def done() -> None:
            if instance.run is run:
                instance.run = None
                self._sink(ev.Completed(self._now_s, run.invocation_id, run.instance_id))
                self._settle(instance, run.instance_id, run.function)

        run_s = self._costs.run_s(run.invocation_id, run.function)
        if resident.fresh:
            run_s += self._costs.first_call_s.get(run.function, 0.0)
        resident.fresh = False
        self._after(run_s, done)

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
        if resident is not None:
            self._fail_loads(run.instance_id, run.function, resident, error)
        self._fail(run, kind, error)

    def _fail_loads(self, instance_id: str, name: str, resident: _Resident, reason: str) -> None:
        for _ in range(resident.loads):
            self._sink(ev.LoadFailed(self._now_s, instance_id, name, reason, blame=False))

    def _fail(self, run: Run, kind: ev.FailureKind, error: str) -> None:
        self._sink(ev.Failed(self._now_s, run.invocation_id, run.instance_id, kind, error))

    def _report(self, name: str, resident: _Resident) -> ev.LoadReport:
        profile = self._costs.profiles[name]
        return ev.LoadReport(
            profile.import_s,
            profile.load_s,
            profile.memory_bytes,
            profile.library_bytes,
            resident.move_s,
        )

    @property
    def _now_s(self) -> float:
        return self._timer.now_s()

    def _after(self, delay_s: float, callback: Callable[[], None]) -> None:
        self._work.at(self._work.now_s() + delay_s, callback)


def _may_load(instance: _Instance, name: str) -> bool:
    """Say whether a function may be loaded or moved now: during a call only one that stays."""
    run = instance.run
    return run is None or (
        name in instance.residents and (name == run.function or name in run.keep)
    )
