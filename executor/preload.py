"""The planning side of the controller: forecast, ask for a plan, check it, carry it out."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from executor import planner, reconcile
from executor.actions import Action, Load, Offload, Solve
from executor.domain import Function, InstanceState
from executor.errors import PlanRejected
from executor.events import PlanReady
from executor.lifecycle import Lifecycle
from executor.quarantine import Quarantine
from executor.state import State
from predictors.arrival.protocol import ArrivalPredictor
from solver import InvalidPlan, verify


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """How far the plan looks ahead and what it may use.

    Parameters
    ----------
    horizon_s
        Calls within this time are what a residency is worth. Short, since every call and every
        freed instance brings a new plan.
    period_s
        Time between plans when nothing happens.
    budget
        Limits for carrying plans out.
    """

    horizon_s: float = 10.0
    period_s: float = 1.0
    budget: reconcile.Budget = field(default_factory=reconcile.Budget)


class Preloader:
    """Keeps the residencies of idle instances at what is worth most."""

    def __init__(
        self,
        state: State,
        predictor: ArrivalPredictor,
        lifecycle: Lifecycle,
        quarantine: Quarantine,
        settings: PlanSettings | None,
    ) -> None:
        self._state = state
        self._predictor = predictor
        self._lifecycle = lifecycle
        self._quarantine = quarantine
        self._settings = settings
        self._chances: dict[str, tuple[float, ...]] = {}
        self._wishes: tuple[planner.Wish, ...] = ()
        self._solving = False
        self._planned_version = 0
        self._next_plan_s = -math.inf
        self._reconciled_version = 0
        predictor.resize(len(state.functions))

    def arrived(self, function: str, at_s: float) -> None:
        """Let the predictor see a call."""
        self._predictor.observe(self._state.index[function], at_s)

    def worth_s(self, function: str) -> float:
        """Seconds that a residency of a function is expected to save, by the last forecast."""
        chance = self._chances.get(function, (0.0,))[0]
        return chance * self._state.functions[function].profile.ready_s

    def actions(self, at_s: float) -> Iterator[Action]:
        """Ask for a plan when one is due, then remove drift from the last one."""
        if self._settings is None:
            return
        changed = self._state.capacity_version != self._planned_version
        if not self._solving and (changed or at_s >= self._next_plan_s):
            self._planned_version = self._state.capacity_version
            self._next_plan_s = at_s + self._settings.period_s
            yield from self._ask(self._settings, at_s)
        if self._state.version != self._reconciled_version:
            yield from self._drift(self._settings, at_s)
            self._reconciled_version = self._state.version

    def next_s(self) -> float:
        """When the next plan is due; infinite while one is being made or nothing can be planned."""
        if self._settings is None or self._solving or not self._state.instances:
            return math.inf
        return self._next_plan_s

    def take(self, answer: PlanReady) -> None:
        """Check a plan and make it what is wished for.

        Raises
        ------
        PlanRejected
            When the plan is infeasible or misstates its value.
        """
        self._solving = False
        plan = answer.plan
        try:
            verify(plan.problem, plan)
        except InvalidPlan as error:
            raise PlanRejected(f"{plan.method}: {error}") from error
        self._wishes = planner.wishes(plan, self._chances)
        self._reconciled_version = -1

    def _ask(self, settings: PlanSettings, at_s: float) -> Iterator[Solve]:
        forecast = self._predictor.forecast(at_s, settings.horizon_s)
        snapshot = self._state.snapshot(at_s, self._eligible(at_s))
        self._chances = planner.chances(snapshot, forecast, self._state.index)
        survival = {
            instance.id: self._lifecycle.survival(instance.id, at_s, settings.horizon_s)
            for instance in snapshot.instances.values()
            if instance.state is InstanceState.IDLE
        }
        problem = planner.build(snapshot, self._chances, survival, settings.budget.reserve_bytes)
        if problem is not None:
            self._solving = True
            yield Solve(problem)

    def _drift(self, settings: PlanSettings, at_s: float) -> list[Load | Offload]:
        actions = reconcile.diff(
            self._wishes, self._state.instances, self._eligible(at_s), settings.budget
        )
        for action in actions:
            match action:
                case Load():
                    self._state.loading(action.instance_id, action.function, action.tier)
                case Offload():
                    self._state.offloading(action.instance_id, action.function)
        return actions

    def _eligible(self, at_s: float) -> dict[str, Function]:
        return {
            name: self._state.functions[name]
            for name in self._state.enabled
            if self._quarantine.ban(name, at_s) is None
        }
