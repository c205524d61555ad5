"""A controller at work on a simulated runtime, with everything it did on record."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from executor import events as ev
from executor.actions import Action, Finish, Load, Run, Served, StartInstance
from executor.controller import Controller, Settings
from executor.domain import Function, Instance, Invocation, Tier, Worker
from executor.drivers.engine import Engine, Outlets
from executor.drivers.sim import ChargedPlanner, EventHeap
from executor.preload import PlanSettings
from executor.reconcile import Budget
from executor.runtimes.sim import SimRuntime
from executor.runtimes.sim_costs import SimCosts
from executor.runtimes.sim_libraries import SimLibrary
from executor.serving import ServeSettings
from executor.units import MIB
from predictors.arrival.poisson import PoissonPredictor
from predictors.keepalive.fixed import FixedKeepAlive
from predictors.keepalive.protocol import KeepAlivePolicy
from solver import Plan, Problem, solve
from tests.solver.problems import restated

RUN_S = 0.2
START_S = 0.5
SOLVE_S = 0.005


def by_priority(problem: Problem) -> Plan:
    return solve(restated(problem), method="priority")


def settings(
    *,
    preload: bool = True,
    warm_keeps_model: bool = True,
    queue_limit: int = 100,
    period_s: float = 1.0,
) -> Settings:
    plan = PlanSettings(horizon_s=10.0, period_s=period_s, budget=Budget(loads_per_worker=2))
    return Settings(ServeSettings(queue_limit, warm_keeps_model), plan if preload else None)


def controller(
    functions: Iterable[Function],
    options: Settings,
    worker_mib: int = 1000,
    policy: KeepAlivePolicy | None = None,
    gpus: Mapping[str, int] | None = None,
) -> Controller:
    return Controller(
        functions,
        [Worker("w", worker_mib * MIB, gpus or {})],
        policy or FixedKeepAlive(60.0),
        PoissonPredictor(window_s=600.0),
        options,
    )


class Simulation:
    """Calls are made at simulated times; ``finished`` and ``actions`` say what came of them."""

    def __init__(
        self,
        functions: Iterable[Function],
        options: Settings | None = None,
        worker_mib: int = 1000,
        policy: KeepAlivePolicy | None = None,
        gpus: Mapping[str, int] | None = None,
        libraries: Mapping[str, SimLibrary] | None = None,
    ) -> None:
        functions = tuple(functions)
        self.timer = EventHeap()
        self.finished: dict[str, Finish] = {}
        self.run_s: dict[str, float] = {}
        self.log: list[tuple[ev.Event, list[Action]]] = []
        self.controller = controller(functions, options or settings(), worker_mib, policy, gpus)
        profiles = {one.name: one.profile for one in functions}
        costs = SimCosts(
            profiles,
            lambda _call, name: self.run_s.get(name, RUN_S),
            START_S,
            libraries=libraries or {},
        )
        self.runtime = SimRuntime(self.timer, costs, self._happened)
        planner = ChargedPlanner(self.timer, by_priority, lambda _: SOLVE_S)
        outlets = Outlets(self._finish, _raise, self._record)
        self.engine = Engine(self.controller, self.runtime, self.timer, planner, outlets)
        self._numbers = count(1)
        self._left: dict[str, Instance] = {}
        self._loaded: defaultdict[str, dict[str, ev.LoadReport]] = defaultdict(dict)

    def call(self, function: str, at_s: float, timeout_s: float = 30.0) -> str:
        """Let a call arrive at a time, and return its id."""
        id_ = f"c{next(self._numbers)}"
        invocation = Invocation(id_, function, at_s, at_s + timeout_s)
        self.timer.at(at_s, lambda: self.engine.deliver(ev.Arrived(at_s, invocation)))
        return id_

    def leave(self, instance: Instance) -> None:
        """Let there be an instance of another server, found when its residents are loaded."""
        self._left[instance.id] = instance
        self.runtime.submit(StartInstance(instance.id, "w", instance.owner, instance.limit_bytes))

    def tick(self) -> ev.Tick:
        """Return a tick of the present time."""
        return ev.Tick(self.timer.now_s())

    def run(self, until_s: float) -> None:
        """Let time pass."""
        self.timer.run(until_s)

    def served(self, id_: str) -> Served:
        """Return how a call was served; fails when it was not."""
        outcome = self.finished[id_].outcome
        assert isinstance(outcome, Served), outcome
        return outcome

    @property
    def actions(self) -> list[Action]:
        """All actions in order."""
        return [action for _, actions in self.log for action in actions]

    def starts(self) -> list[StartInstance]:
        """Return the instances that were started."""
        return [one for one in self.actions if isinstance(one, StartInstance)]

    def loads(self) -> list[Load]:
        """Return the pre-loads that were ordered."""
        return [one for one in self.actions if isinstance(one, Load)]

    def runs(self) -> list[Run]:
        """Return the runs that were ordered."""
        return [one for one in self.actions if isinstance(one, Run)]

    def _happened(self, events: Sequence[ev.Event]) -> None:
        """Keep what happens in an instance from the controller until it is found."""
        event = events[0]
        if isinstance(event, ev.InstanceReady) and event.instance_id in self._left:
            for name in self._left[event.instance_id].residencies:
                self.runtime.submit(Load(event.instance_id, name, Tier.HOST))
            self._find(event.instance_id, {})
        elif isinstance(event, ev.Loaded) and event.instance_id in self._left:
            self._find(event.instance_id, {event.function: event.report})
        else:
            self.engine.deliver(*events)

    def _find(self, instance_id: str, loaded: dict[str, ev.LoadReport]) -> None:
        instance = self._left[instance_id]
        self._loaded[instance_id].update(loaded)
        if self._loaded[instance_id].keys() == instance.residencies.keys():
            del self._left[instance_id]
            reports = self._loaded.pop(instance_id)
            self.engine.deliver(ev.InstancesFound(self.timer.now_s(), (instance,), reports))

    def _record(self, events: Sequence[ev.Event], actions: list[Action]) -> None:
        *earlier, last = events
        self.log += [(one, []) for one in earlier]
        self.log.append((last, actions))

    def _finish(self, finish: Finish) -> None:
        assert finish.invocation_id not in self.finished, f"{finish} closed twice"
        self.finished[finish.invocation_id] = finish


def _raise(error: BaseException) -> None:
    raise error
