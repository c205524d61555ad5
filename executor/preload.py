"""The planning side of the controller: forecast, ask for a plan, check it, carry it out."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from executor import planner, reconcile
from executor.actions import Action, Load, Offload, Solve
from executor.columns import Rows
from executor.displacement import Resident, make_room
from executor.domain import GPU, HOST, IDLE, NOBODY, Instance
from executor.errors import PlanRejected
from executor.events import Loaded, PlanReady
from executor.lifecycle import Lifecycle
from executor.quarantine import Quarantine
from executor.snapshot import take_snapshot
from executor.state import State
from predictors.arrival.protocol import ArrivalPredictor
from solver import InvalidPlan, verify


@dataclass(frozen=True)
class PlanSettings:
    """How far the plan looks ahead and what it may use.

    Parameters
    ----------
    horizon_s
        Calls within this time are what a residency is worth. Short, since every call and every
        freed instance brings a new plan.
    period_s
        Time between plans for all owners. In between a plan is for those whose instances were
        taken, freed or removed: owners share no instance, so that each may be planned alone.
    budget
        Limits for carrying plans out.
    rest_s
        Least time from one plan to the next, which bounds what planning takes.
    patience_s
        Least time from one plan for changed owners to the next. What a call takes away the plan in
        force loads again, so that they may wait; not so owners with an idle instance that no plan
        has seen, who are planned for as soon as ``rest_s`` allows.
    """

    horizon_s: float = 10.0
    period_s: float = 1.0
    budget: reconcile.Budget = field(default_factory=reconcile.Budget)
    rest_s: float = 0.0
    patience_s: float = 0.0


class Preloader:
    """Keeps the residencies of idle instances at what is worth most."""

    def __init__(
        self,
        state: State,
        predictor: ArrivalPredictor,
        lifecycle: Lifecycle,
        quarantine: Quarantine,
        settings: PlanSettings | None,
        *,
        warm_keeps_model: bool,
    ) -> None:
        self._state = state
        self._predictor = predictor
        self._lifecycle = lifecycle
        self._quarantine = quarantine
        self._settings = settings
        self._warm_keeps_model = warm_keeps_model
        self._worth_s = np.zeros(len(state.functions))
        self._gpu_worth_s = np.zeros(len(state.functions))
        self._wishes: dict[str, list[planner.Wish]] = {}
        self._held_up: dict[str, None] = {}
        self._solving = False
        self._asked_s = -math.inf
        self._next_full_s = -math.inf
        self._next_changed_s = -math.inf
        self._unseen: dict[str, None] = {}
        predictor.resize(len(state.functions))

    def arrived(self, function: str, at_s: float) -> None:
        """Let the predictor see a call."""
        self._predictor.observe(self._state.index[function], at_s)

    def worth_s(self, function: str) -> float:
        """Seconds that a residency of a function is expected to save, by the last forecast."""
        return self._worth_s.item(self._state.index[function])

    def gpu_worth_s(self, function: str) -> float:
        """Seconds that a residency is expected to save more on a GPU than in memory."""
        return self._gpu_worth_s.item(self._state.index[function])

    def loaded(self, event: Loaded) -> None:
        """Be content, until the next plan, with the tier that a function has reached."""
        if not self._state.gpus:
            return
        wishes = self._wishes.get(event.instance_id, [])
        for position, wish in enumerate(wishes):
            if wish.function == event.function and wish.tier is not event.tier:
                wishes[position] = wish._replace(tier=event.tier)

    def may_drift(self) -> bool:
        """Whether there is something to compare with what is wished for."""
        return bool(self._state.unsettled or self._held_up)

    def actions(self, at_s: float) -> Sequence[Action]:
        """Ask for a plan when one is due, then remove drift from the last one."""
        settings = self._settings
        if settings is None:
            return ()
        asked = not self._solving and at_s >= self._due_s(settings)
        solve = self._ask(settings, at_s) if asked else ()
        return [*solve, *self._drift(settings, at_s)] if self.may_drift() else solve

    def next_s(self) -> float:
        """When the next plan is due; infinite while one is being made or nothing can be planned."""
        if self._settings is None or self._solving or not self._state.instances:
            return math.inf
        return self._due_s(self._settings)

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
        for instance_id in plan.problem.instance_names:
            self._wishes[instance_id] = []
            self._state.unsettled[instance_id] = None
        for wish in planner.wishes(plan):
            self._wishes[wish.instance_id].append(wish)
        for instance_id in plan.problem.instance_names:
            if not self._wishes[instance_id]:
                self._wishes[instance_id] += self._foothold(instance_id, answer.at_s)

    def _foothold(self, instance_id: str, at_s: float) -> Iterator[planner.Wish]:
        """Wish for the likeliest function that shares a library in an instance that has none yet.

        With it comes the library, which costs the next call there far more than any function of it;
        what a function is worth by its own profile does not tell.
        """
        instance = self._state.instances.get(instance_id)
        if instance is None or instance.residencies or instance.libraries:
            return
        settings, columns = self._settings, self._state.catalogue.columns
        assert settings is not None
        rows = self._rows([instance.owner], at_s)
        need_bytes = columns.memory_bytes[rows] + columns.library_bytes[rows]
        room_bytes = planner.capacity_bytes(instance, settings.budget.reserve_bytes)
        fits = (need_bytes <= room_bytes) & (columns.limit_bytes[rows] <= instance.limit_bytes)
        worth_s = np.where(fits & (columns.library_bytes[rows] > 0), self._worth_s[rows], 0.0)
        if worth_s.any():
            name = columns.names[rows[np.argmax(worth_s)]]
            yield planner.Wish(instance_id, name, HOST, 0.0)

    def _due_s(self, settings: PlanSettings) -> float:
        rested_s = self._asked_s + settings.rest_s
        if self._unseen:
            return rested_s
        due_s = self._next_changed_s if self._state.unplanned else self._next_full_s
        return due_s if due_s > rested_s else rested_s

    def _ask(self, settings: PlanSettings, at_s: float) -> list[Solve]:
        owners = self._owners(settings, at_s)
        self._asked_s = at_s
        if not owners:
            return []
        columns, rows = self._state.catalogue.columns, self._rows(owners, at_s)
        snapshot = take_snapshot(self._state, owners)
        forecast = self._predictor.forecast(at_s, settings.horizon_s, rows)
        running = snapshot.running if self._warm_keeps_model else {}
        outlook = planner.outlook(columns, rows, forecast.at_least, running, settings.horizon_s)
        self._worth_s[rows] = outlook.chances[:, 0] * columns.ready_s[rows]
        self._gpu_worth_s[rows] = outlook.chances[:, 0] * columns.move_s[rows]
        survival = {
            instance.id: self._lifecycle.survival(instance.id, at_s, settings.horizon_s)
            for instance in snapshot.instances.values()
            if instance.state is IDLE
        }
        problem = planner.build(outlook, snapshot, survival, settings.budget.reserve_bytes)
        if problem is None:
            return []
        self._solving = True
        return [Solve(problem)]

    def _owners(self, settings: PlanSettings, at_s: float) -> list[str]:
        """Take out the owners to plan for: all when that is due, or when all have changed."""
        everyone, unplanned = self._state.owners(), self._state.unplanned
        waited = at_s >= self._next_changed_s
        chosen = [one for one in everyone if one in (unplanned if waited else self._unseen)]
        if at_s >= self._next_full_s or len(chosen) == len(everyone):
            chosen, waited = everyone, True
            self._next_full_s = at_s + settings.period_s
        if waited:
            self._next_changed_s = at_s + settings.patience_s
            unplanned.clear()
        for owner in chosen:
            unplanned.pop(owner, None)
        self._unseen.clear()
        return chosen

    def _rows(self, owners: list[str], at_s: float) -> Rows:
        """Find the owners' functions that may be pre-loaded now."""
        columns = self._state.catalogue.columns
        rows = np.concatenate([columns.rows_of[owner] for owner in owners])
        barred = self._barred(at_s)
        return rows[~np.isin(rows, [columns.index[name] for name in barred])] if barred else rows

    def _drift(self, settings: PlanSettings, at_s: float) -> list[Load | Offload]:
        """Compare the instances that have changed, or had to wait, with what is wished for."""
        instances = self._unsettled(settings)
        self._state.unsettled.clear()
        if not instances:
            return []
        wishes = self._wishes_for(instances, at_s)
        room = self._room(instances)
        drift = reconcile.diff(wishes, instances, self._state.functions, settings.budget, room)
        for action in drift.actions:
            self._commit(action)
        demotions: list[Load | Offload] = []
        if drift.held_up:
            self._held_up.update(dict.fromkeys(drift.held_up))
            for gpu, size in drift.lacking_bytes.items():
                demotions.extend(self._demote(gpu, size))
        self._state.unsettled.clear()
        return demotions + drift.actions

    def _wishes_for(
        self, instances: Mapping[str, Instance], at_s: float
    ) -> dict[str, list[planner.Wish]]:
        """Return what is wished for, of functions that may be pre-loaded now."""
        wishes = {id_: self._wishes[id_] for id_ in instances}
        barred = self._barred(at_s)
        if not barred:
            return wishes
        return {
            id_: [wish for wish in wished if wish.function not in barred]
            for id_, wished in wishes.items()
        }

    def _room(self, instances: Mapping[str, Instance]) -> reconcile.Room:
        loading = {name: one.loading for name, one in self._state.census.by_worker.items()}
        if not self._state.gpus:
            return reconcile.Room(loading)
        gpus = {one.gpu for one in instances.values() if one.gpu is not None}
        return reconcile.Room(loading, {gpu: self._state.free_gpu_bytes(gpu) for gpu in gpus})

    def _commit(self, action: Load | Offload) -> None:
        match action:
            case Load():
                self._state.loading(action.instance_id, action.function, action.tier)
            case Offload():
                self._state.offloading(action.instance_id, action.function)

    def _demote(self, gpu: str, need_bytes: int) -> Iterator[Load]:
        """Move models to memory that the plan does not want on a GPU, as room there is needed."""
        spared = {
            Resident(id_, wish.function)
            for id_, wishes in self._wishes.items()
            for wish in wishes
            if wish.tier is GPU
        }
        for one in make_room(self._state, gpu, need_bytes, self.gpu_worth_s, spared=spared) or ():
            move = Load(one.instance_id, one.function, HOST)
            self._commit(move)
            yield move

    def _unsettled(self, settings: PlanSettings) -> dict[str, Instance]:
        """Return the idle instances that lack something; forget wishes for those that are gone."""
        changed, instances = self._state.unsettled, self._state.instances
        counts = self._state.census.by_worker.values()
        if self._held_up and any(one.loading < settings.budget.loads_per_worker for one in counts):
            changed = self._held_up | changed
            self._held_up = {}
        found = {}
        for id_ in changed:
            instance, wishes = instances.get(id_), self._wishes.get(id_)
            if instance is None:
                self._wishes.pop(id_, None)
            elif instance.state is IDLE:
                if wishes is None and instance.owner != NOBODY:
                    self._unseen[instance.owner] = None
                elif wishes is not None and reconcile.lacking(instance, wishes):
                    found[id_] = instance
        return found

    def _barred(self, at_s: float) -> set[str]:
        """Name the functions that may not be pre-loaded now."""
        banned, disabled = self._quarantine.banned(at_s), self._state.disabled
        return banned.union(disabled) if disabled else banned
