"""A runtime in which only time passes: no processes, the same rules."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

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
from executor.domain import Tier
from executor.runtimes.sim_cores import SharedCores
from executor.runtimes.sim_costs import SimCosts
from executor.runtimes.sim_instance import SimInstance, SimResident
from executor.runtimes.sim_libraries import SimLibraries

SimSink: TypeAlias = Callable[[Sequence[ev.Event]], None]
"""Takes what happened in one moment, in order."""


class SimRuntime:
    """Answers actions after the time that they would take."""

    def __init__(self, timer: Timer, costs: SimCosts, sink: SimSink) -> None:
        self._timer = timer
        self._work = (
            timer if costs.cores == math.inf else SharedCores(timer, costs.cores, costs.crowding)
        )
        self._costs = costs
        self._sink = sink
        self._instances: dict[str, SimInstance] = {}
        self._reports: dict[tuple[str, float], ev.LoadReport] = {}

    def submit(self, action: RuntimeAction) -> None:
        """Begin to carry out an action."""
        match action:
            case Load():
                self._load(action)
            case Offload():
                self._offload(action)
            case Run():
                self._run(action)
            case StartInstance():
                self._start(action)
            case StopInstance():
                self._stop(action.instance_id)
            case CancelRun():
                self._cancel(action)

    def kill(self, instance_id: str) -> None:
        """Let an instance die, as a crash would."""
        instance = self._instances.pop(instance_id, None)
        if instance is not None:
            instance.run = None
            instance.residents.clear()
            self._sink([ev.InstanceGone(self._now_s, instance_id, "the instance died")])

    def _start(self, action: StartInstance) -> None:
        instance_id = action.instance_id
        libraries = SimLibraries(action.limit_bytes - self._costs.base_bytes)
        instance = self._instances.setdefault(instance_id, SimInstance(libraries, action.gpu))

        def up() -> None:
            if self._instances.get(instance_id) is instance:
                instance.ready = True
                self._sink([ev.InstanceReady(self._now_s, instance_id, self._costs.base_bytes)])

        self._after(self._costs.start_s if action.reuses is None else self._costs.reuse_s, up)

    def _stop(self, instance_id: str) -> None:
        instance = self._instances.pop(instance_id, None)
        if instance is not None:
            instance.run = None
            instance.residents.clear()

        def gone() -> None:
            self._sink([ev.InstanceGone(self._now_s, instance_id)])

        self._after(self._costs.offload_s, gone)

    def _load(self, action: Load) -> None:
        instance = self._instances.get(action.instance_id)
        name = action.function
        if instance is None or not instance.may_load(name):
            reason = "no such instance" if instance is None else "the instance serves a call"
            failed = ev.LoadFailed(self._now_s, action.instance_id, name, reason, blame=False)
            return self._sink([failed])
        tier = instance.reachable(action.tier)
        resident = instance.residents.get(name)
        if resident is None:
            resident = self._begin(instance, action.instance_id, name, tier)
        resident.loads += 1
        resident.target = tier
        if resident.ready:
            self._settle(instance, action.instance_id, name)
        return None

    def _begin(self, instance: SimInstance, instance_id: str, name: str, tier: Tier) -> SimResident:
        move_s = self._costs.move_s(name, tier)
        resident = instance.residents[name] = SimResident(tier, tier, move_s=move_s)

        def ready() -> None:
            if instance.residents.get(name) is resident:
                resident.ready = True
                self._settle(instance, instance_id, name)

        load_s = self._costs.profiles[name].ready_s + move_s
        self._after(self._library_s(instance, instance_id, name) + load_s, ready)
        return resident

    def _library_s(self, instance: SimInstance, instance_id: str, name: str) -> float:
        """Return the seconds until a function can be forked; its library is imported if need be."""
        library = self._costs.libraries.get(name)
        if library is None:
            return 0.0
        profiles, libraries = self._costs.profiles, self._costs.libraries
        functions_bytes = sum([profiles[one].memory_bytes for one in instance.residents])
        if not instance.libraries.has_room(functions_bytes, library):
            used = {libraries[one].name for one in instance.residents if one in libraries}
            if instance.libraries.drop_unused(used):
                self._measured(instance, instance_id)
        now_s = self._work.now_s()
        wait_s = instance.libraries.ready_s(library, now_s) - now_s
        if wait_s > 0:
            self._after(wait_s, lambda: self._measured(instance, instance_id))
        return max(0.0, wait_s)

    def _measured(self, instance: SimInstance, instance_id: str) -> None:
        """Say which libraries there are."""
        if self._instances.get(instance_id) is instance:
            libraries = instance.libraries.imported(self._work.now_s())
            self._sink([ev.Measured(self._now_s, instance_id, {}, libraries)])

    def _settle(self, instance: SimInstance, instance_id: str, name: str) -> None:
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
        if resident.loads and target is resident.target:
            self._answer(instance_id, name, resident)
        if run is not None and instance.cleared:
            self._infer(instance, run, resident)

    def _move(self, instance: SimInstance, instance_id: str, name: str, tier: Tier) -> None:
        """Move what is loaded; the way back to memory copies nothing."""
        resident = instance.residents[name]
        resident.moving = True
        move_s = self._costs.move_s(name, tier)

        def moved() -> None:
            if instance.residents.get(name) is resident:
                resident.moving, resident.tier = False, tier
                resident.move_s = move_s or resident.move_s
                self._settle(instance, instance_id, name)

        self._after(move_s, moved)

    def _answer(self, instance_id: str, name: str, resident: SimResident) -> None:
        loads, resident.loads = resident.loads, 0
        for _ in range(loads):
            report = self._report(name, resident)
            self._sink([ev.Loaded(self._now_s, instance_id, name, resident.tier, report)])

    def _report(self, name: str, resident: SimResident) -> ev.LoadReport:
        """Return what a function says when it is ready, which is the same each time."""
        report = self._reports.get((name, resident.move_s))
        if report is None:
            report = self._costs.report(name, resident.move_s)
            self._reports[name, resident.move_s] = report
        return report

    def _offload(self, action: Offload) -> None:
        instance = self._instances.get(action.instance_id)
        name = action.function
        resident = instance.residents.get(name) if instance is not None else None
        if instance is None or resident is None:
            return self._sink([ev.Offloaded(self._now_s, action.instance_id, name)])

        def gone() -> None:
            if instance.residents.get(name) is not resident or instance.run is not None:
                return
            self._remove(instance, action.instance_id, [name])

        return self._after(self._costs.offload_s, gone)

    def _remove(self, instance: SimInstance, instance_id: str, names: Iterable[str]) -> None:
        """Take functions away, which is one event after the other, but of one moment."""
        now_s = self._now_s
        happened: list[ev.Event] = []
        for name in names:
            resident = instance.residents.pop(name)
            if resident.loads:
                happened += self._failed_loads(instance_id, name, resident, "taken away")
            happened.append(ev.Offloaded(now_s, instance_id, name))
        self._sink(happened)

    def _run(self, run: Run) -> None:
        instance = self._instances.get(run.instance_id)
        if instance is None or not instance.ready:
            crash, error = ev.FailureKind.CRASH, "no such instance"
            failed = ev.Failed(self._now_s, run.invocation_id, run.instance_id, crash, error)
            return self._sink([failed])
        instance.run, instance.started, instance.cleared = run, False, False
        leaving = [n for n in instance.residents if n != run.function and n not in run.keep]
        self._timer.at(run.deadline_s, lambda: self._expire(instance, run))

        def cleared() -> None:
            if instance.run is not run:
                return
            if leaving:
                self._remove(instance, run.instance_id, leaving)
            self._serve(instance, run)

        rounds = max(1.0, len(leaving) / self._costs.cores) if leaving else 0.0
        return self._after(self._costs.call_s + self._costs.offload_s * rounds, cleared)

    def _serve(self, instance: SimInstance, run: Run) -> None:
        tier = instance.reachable(run.tier)
        instance.cleared = True
        resident = instance.residents.get(run.function)
        if resident is None:
            resident = self._begin(instance, run.instance_id, run.function, tier)
        instance.waited = not resident.ready
        resident.target = tier
        self._settle(instance, run.instance_id, run.function)

    def _infer(self, instance: SimInstance, run: Run, resident: SimResident) -> None:
        instance.started = True
        waited = instance.waited
        report = self._report(run.function, resident) if waited else None
        call, tier = run.invocation_id, resident.tier
        self._sink([ev.Started(self._now_s, call, run.instance_id, report, tier)])

        def done() -> None:
            if instance.run is run:
                instance.run = None
                self._sink([ev.Completed(self._now_s, run.invocation_id, run.instance_id)])
                self._settle(instance, run.instance_id, run.function)

        run_s = self._costs.run_s(run.invocation_id, run.function)
        if resident.fresh:
            run_s += self._costs.first_call_s.get(run.function, 0.0)
        resident.fresh = False
        self._after(run_s, done)

    def _expire(self, instance: SimInstance, run: Run) -> None:
        if instance.run is run and self._instances.get(run.instance_id) is instance:
            self._abort(instance, run, ev.FailureKind.DEADLINE, "the call took too long")

    def _cancel(self, action: CancelRun) -> None:
        instance = self._instances.get(action.instance_id)
        run = instance.run if instance is not None else None
        if instance is not None and run is not None and run.invocation_id == action.invocation_id:
            self._abort(instance, run, ev.FailureKind.CANCELLED, "the call was withdrawn")

    def _abort(self, instance: SimInstance, run: Run, kind: ev.FailureKind, error: str) -> None:
        instance.run = None
        resident = instance.residents.pop(run.function, None)
        happened: list[ev.Event] = []
        if resident is not None:
            happened += self._failed_loads(run.instance_id, run.function, resident, error)
        happened.append(ev.Failed(self._now_s, run.invocation_id, run.instance_id, kind, error))
        self._sink(happened)

    def _failed_loads(
        self, instance_id: str, name: str, resident: SimResident, reason: str
    ) -> list[ev.Event]:
        failed = ev.LoadFailed(self._now_s, instance_id, name, reason, blame=False)
        return [failed] * resident.loads

    @property
    def _now_s(self) -> float:
        return self._timer.now_s()

    def _after(self, delay_s: float, callback: Callable[[], None]) -> None:
        self._work.at(self._work.now_s() + delay_s, callback)
