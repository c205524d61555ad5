"""Creates and removes instances, as calls and the keep-alive policy ask for it."""

import math

from executor import workers
from executor.accounts import Accounts
from executor.actions import Action, StartInstance, StopInstance
from executor.domain import IDLE, NOBODY, Function, Instance, StartKind, stem_name
from executor.lifecycle import Lifecycle
from executor.state import State
from predictors.keepalive.protocol import StemCell


class Hosting:
    """Orders instances to start and stop; what it orders goes to ``outbox``."""

    def __init__(
        self, state: State, lifecycle: Lifecycle, accounts: Accounts, outbox: list[Action]
    ) -> None:
        self._state = state
        self._lifecycle = lifecycle
        self._outbox = outbox
        self._accounts = accounts
        self._evicted: set[str] = set()
        self._lacking: dict[str, None] = {}
        self._releases = 0
        self._tried: set[str] = set()
        self._stem_cells = {stem_name(cell.kind): cell for cell in lifecycle.stem_cells()}
        needs = [cell.memory_bytes for cell in lifecycle.stem_cells()]
        needs += [function.memory_limit_bytes for function in state.functions.values()]
        self._least_bytes = min(needs, default=0)
        for name in self._stem_cells:
            lifecycle.check_again(name)

    def create_for_call(self, worker: str, function: Function, at_s: float) -> Instance:
        """Start an instance since a call found none."""
        self._lifecycle.created_for_call(function.name, at_s)
        new = self._state.create(worker, function.name, at_s)
        self._accounts.created(new, function, at_s)
        return self._start(new)

    def reusable(self, function: Function, at_s: float) -> str | None:
        """Name an idle instance whose container the function may take over, or None.

        Those that other functions lend come before stem cells.
        """
        lender = self._lifecycle.lender(function, at_s)
        return lender.id if lender is not None else self._stem_cell(function)

    def reuse_for_call(self, instance: Instance, function: Function, at_s: float) -> Instance:
        """Start an instance in the container of another one, which ends."""
        self._lifecycle.created_for_call(function.name, at_s)
        self._lifecycle.taken(instance)
        self._state.hand_over(instance.id, at_s)
        self._outbox.append(StopInstance(instance.id))
        new = self._state.create(instance.worker, function.name, at_s, within=instance)
        self._accounts.created(new, function, at_s)
        return self._start(new, reuses=instance.id)

    def stop(self, instance: Instance, at_s: float, *, evicted: bool = True) -> None:
        """Remove an instance; ``evicted`` says that its memory is needed."""
        if evicted:
            self._evicted.add(instance.id)
        self._lifecycle.taken(instance)
        self._state.stopping(instance.id, at_s)
        self._outbox.append(StopInstance(instance.id))

    def lent(self, instance_id: str, at_s: float) -> bool:
        """Tell whether an instance is lent to other functions now."""
        return self._lifecycle.lent_from_s(instance_id) <= at_s

    def taken(self, instance_id: str, function: Function, kind: StartKind, at_s: float) -> None:
        """Note that an instance serves a call: it has no date meanwhile."""
        self._accounts.taken(self._state.instances[instance_id], function, kind, at_s)

    def turned_idle(self, instance: Instance, at_s: float) -> None:
        """Ask the policy how long an instance that has turned idle shall stay."""
        for one in self._accounts.turned_idle(instance, at_s):
            self.stop(one, at_s, evicted=False)

    def found(self, instance: Instance, at_s: float) -> None:
        """Keep an instance that was taken over, unless there is no room or no use for it."""
        count = self._state.census.by_worker[instance.worker]
        free_bytes = self._state.free_bytes(instance.worker) + count.stopping_bytes
        unused = instance.owner == NOBODY and instance.function not in self._stem_cells
        if free_bytes < 0 or unused:
            self.stop(instance, at_s)
        else:
            self.turned_idle(instance, at_s)

    def gone(self, instance_id: str) -> Instance | None:
        """Fold that an instance is no more; None when it was not known."""
        instance = self._state.gone(instance_id)
        if instance is not None:
            self._accounts.gone(instance)
            self._lifecycle.removed(instance, evicted=instance_id in self._evicted)
            self._evicted.discard(instance_id)
        return instance

    def worker_seen(self, worker: str, *, answers: bool) -> None:
        """Fold whether a worker answers: what was lacking may find room where one does again."""
        self._state.worker_seen(worker, answers=answers)
        self._releases = -1

    def tick(self, at_s: float) -> None:
        """Do what has come due: expiries and pre-warmings, and what a failing worker is asked."""
        if self._tried:
            self._tried.clear()
            self._releases = -1
        for instance in self._lifecycle.expired(at_s):
            if instance.state is IDLE:
                self.stop(instance, at_s, evicted=False)
        for prewarm in self._lifecycle.due(at_s):
            if prewarm.function in self._state.enabled:
                self._create_ahead(prewarm.function, prewarm.keep_alive_s, at_s)

    def top_up(self, at_s: float) -> None:
        """Create the idle instances that the policy demands, as far as there is room."""
        names = self._lifecycle.unchecked()
        if not names and not self._lacking:
            return
        if self._lacking and self._state.census.releases != self._releases:
            names += self._lacking
            self._lacking = {}
        self._releases = self._state.census.releases
        for position, name in enumerate(names):
            if not self._has_room():
                self._lacking.update(dict.fromkeys(names[position:]))
                return
            if name in self._stem_cells:
                self._add_stem_cells(self._stem_cells[name], at_s)
            elif name in self._state.enabled:
                self._add_missing(name, at_s)

    def _has_room(self) -> bool:
        """Whether the least that anything needs is free."""
        return self._state.free_bytes(workers.roomiest(self._state)) >= self._least_bytes

    def _add_missing(self, name: str, at_s: float) -> None:
        for _ in range(self._lifecycle.missing(name)):
            if not self._create_ahead(name, math.inf, at_s):
                self._lacking[name] = None
                return

    def _add_stem_cells(self, cell: StemCell, at_s: float) -> None:
        name = stem_name(cell.kind)
        while self._state.census.spare[name] < cell.count:
            worker = workers.roomiest(self._state)
            if self._state.free_bytes(worker) < cell.memory_bytes:
                self._lacking[name] = None
                return
            self._start(self._state.create_stem(worker, cell.kind, cell.memory_bytes, at_s))

    def _stem_cell(self, function: Function) -> str | None:
        if stem_name(function.kind) not in self._stem_cells:
            return None
        answering = self._state.answering
        for instance in self._state.of_owner(NOBODY):
            fits = instance.limit_bytes == function.memory_limit_bytes
            named = instance.function == stem_name(function.kind)
            usable = instance.state is IDLE and instance.worker in answering
            if fits and named and usable:
                return instance.id
        return None

    def _create_ahead(self, name: str, keep_alive_s: float, at_s: float) -> bool:
        """Start an instance if there is room; a worker that starts none is asked once a tick."""
        function = self._state.functions[name]
        worker = workers.roomiest_for(self._state, function)
        if self._state.free_bytes(worker) < function.memory_limit_bytes:
            return False
        if worker in self._state.failing:
            if worker in self._tried:
                return False
            self._tried.add(worker)
        instance = self._start(self._state.create(worker, name, at_s))
        self._lifecycle.created_ahead(instance.id, keep_alive_s)
        return True

    def _start(self, instance: Instance, reuses: str | None = None) -> Instance:
        self._outbox.append(
            StartInstance(
                instance.id,
                instance.worker,
                instance.owner,
                instance.limit_bytes,
                reuses,
                instance.gpu,
                instance.function,
            )
        )
        return instance
