"""The folded view of the world: functions, instances and their residencies.

What was ordered but not yet seen (an instance starting, a residency loading) is in the view from
the moment of the order, so that nothing is given away twice.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from executor import residencies
from executor.actions import Run
from executor.catalogue import Catalogue
from executor.census import Census
from executor.domain import (
    BUSY,
    HOST,
    IDLE,
    LOADING,
    MOVING,
    NOBODY,
    OFFLOADING,
    READY,
    RUNNING,
    STARTING,
    STOPPING,
    Function,
    Instance,
    Residency,
    ResidencyState,
    Tier,
    Worker,
    stem_name,
)
from executor.gpu_room import claimed_bytes


class State:
    """Folds events and committed actions; the only place where instances change.

    ``capacity_version`` grows when an instance turns idle, is taken or goes, a resident dies, or
    the set of enabled functions changes: what plans and waiting calls depend on. ``unsettled`` are
    the idle instances that changed other than foreseen, so that they may lack something now, and
    those that went; ``unplanned`` the owners whose capacity changed. The planning side takes them
    out. ``answering`` are the workers that new instances may go to.
    """

    def __init__(self, functions: Iterable[Function], workers: Iterable[Worker]) -> None:
        self.catalogue = Catalogue(functions)
        self.functions = self.catalogue.functions
        self.index = self.catalogue.index
        self.enabled = dict.fromkeys(self.functions)
        self.disabled: dict[str, None] = {}
        self.workers = {worker.name: worker for worker in workers}
        self.answering = dict.fromkeys(self.workers)
        self.gpus = {gpu: size for one in self.workers.values() for gpu, size in one.gpus.items()}
        self.instances: dict[str, Instance] = {}
        self.census = Census(self.workers.values())
        self.capacity_version = 0
        self.unsettled: dict[str, None] = {}
        self.unplanned: dict[str, None] = {}
        self._undrained: set[str] = set()
        self._created = 0
        self.failing: set[str] = set()  # workers whose last instance did not start
        self._away: set[str] = set()

    def owners(self) -> list[str]:
        """All owners that have instances."""
        return [owner for owner, ids in self.census.by_owner.items() if ids and owner != NOBODY]

    def free_bytes(self, worker: str) -> int:
        """Memory of a worker that no instance's limit has claimed."""
        return self.workers[worker].memory_bytes - self.census.by_worker[worker].committed_bytes

    def free_gpu_bytes(self, gpu: str) -> int:
        """Memory of a GPU that no residency has claimed."""
        return self.gpus[gpu] - claimed_bytes(gpu, self.instances.values())

    def gpus_measured(self, budget_bytes: Mapping[str, int]) -> None:
        """Fold what our functions may hold of each GPU, now that other programs were seen."""
        if self.gpus != {**self.gpus, **budget_bytes}:
            self.gpus.update(budget_bytes)
            for owner in {one.owner for one in self.instances.values() if one.gpu in budget_bytes}:
                self._capacity_changed(owner)

    def worker_seen(self, worker: str, *, answers: bool) -> None:
        """Fold whether a worker answers; where none does all are asked, for their reasons."""
        (self._away.discard if answers else self._away.add)(worker)
        present = (name for name in self.workers if name not in self._away)
        self.answering = dict.fromkeys(present) or dict.fromkeys(self.workers)
        if answers:
            self.failing.discard(worker)
        self.capacity_version += 1

    def of_owner(self, owner: str) -> list[Instance]:
        """All instances of an owner, oldest first."""
        instances = self.instances
        return [instances[id_] for id_ in self.census.by_owner[owner]]

    def holders(self, function: str) -> list[Instance]:
        """All instances that have a function in any state, longest first."""
        instances = self.instances
        return [instances[id_] for id_ in self.census.holders[function]]

    def take_undrained(self) -> set[str]:
        """Take out the owners whose capacity has changed since this was last asked."""
        owners, self._undrained = self._undrained, set()
        return owners

    def enable(self, function: str) -> None:
        """Let a function be called and pre-loaded."""
        self.enabled[function] = None
        self.disabled.pop(function, None)
        self._capacity_changed(self.functions[function].owner)

    def disable(self, function: str) -> None:
        """No longer let a function be called or pre-loaded."""
        self.enabled.pop(function, None)
        self.disabled[function] = None
        self._capacity_changed(self.functions[function].owner)

    def create(
        self, worker: str, function: str, at_s: float, *, within: Instance | None = None
    ) -> Instance:
        """Commit the start of an instance for a function, ``within`` the container of another."""
        wanted = self.functions[function]
        return self._add(
            Instance(
                id=self._next_id(),
                worker=worker,
                owner=wanted.owner,
                function=function,
                limit_bytes=wanted.memory_limit_bytes,
                state=STARTING,
                since_s=at_s,
                rented=within is not None and within.owner != NOBODY,
                gpu=within.gpu if within is not None else self._gpu_for(wanted, worker),
            )
        )

    def create_stem(self, worker: str, kind: str, limit_bytes: int, at_s: float) -> Instance:
        """Commit the start of an instance that belongs to nobody yet."""
        state, function = STARTING, stem_name(kind)
        return self._add(
            Instance(self._next_id(), worker, NOBODY, function, limit_bytes, state, at_s)
        )

    def ready(self, instance_id: str, base_bytes: int, at_s: float) -> Instance:
        """Fold that an instance is up and idle."""
        self.failing.discard(self.instances[instance_id].worker)
        self._capacity_changed(self.instances[instance_id].owner)
        return self._change(instance_id, state=IDLE, base_bytes=base_bytes, since_s=at_s)

    def found(self, instance: Instance) -> None:
        """Fold that there is an instance which this state did not create."""
        self._capacity_changed(instance.owner)
        self._add(instance)

    def stopping(self, instance_id: str, at_s: float) -> Instance:
        """Commit the end of an instance; it keeps its memory until it is gone."""
        self._capacity_changed(self.instances[instance_id].owner)
        return self._change(instance_id, state=STOPPING, since_s=at_s)

    def hand_over(self, instance_id: str, at_s: float) -> Instance:
        """Commit the end of an instance whose memory goes to its successor at once."""
        self.stopping(instance_id, at_s)
        return self._change(instance_id, limit_bytes=0)

    def gone(self, instance_id: str) -> Instance | None:
        """Fold that an instance is no more; None when it was not known."""
        instance = self.instances.pop(instance_id, None)
        if instance is not None:
            if instance.state is STARTING:
                self.failing.add(instance.worker)
            self.census.gone(instance)
            self.unsettled[instance_id] = None
            self._capacity_changed(instance.owner)
        return instance

    def run(self, run: Run, at_s: float) -> None:
        """Commit a run: the residencies that it does not keep are on their way out."""
        instance = self.instances[run.instance_id]
        self._capacity_changed(instance.owner)
        held = residencies.during(run, self.functions[run.function], instance.residencies)
        self._replace(instance, instance.turned(BUSY, at_s, run.invocation_id, held))

    def idle(self, instance_id: str, at_s: float) -> Instance:
        """Fold that a run has ended; its residency is ready unless it was dropped before."""
        instance = self.instances[instance_id]
        self._capacity_changed(instance.owner)
        held = residencies.after_run(instance.residencies)
        return self._replace(instance, instance.turned(IDLE, at_s, None, held))

    def loading(self, instance_id: str, function: str, tier: Tier) -> None:
        """Commit a load, with the memory it is expected to take; of what is loaded a move."""
        held = self.instances[instance_id].residencies.get(function)
        self._set(instance_id, residencies.ordered(self.functions[function], tier, held))

    def loaded(self, instance_id: str, function: str, tier: Tier, memory_bytes: int) -> None:
        """Fold that a function is ready, with the memory it was measured to take."""
        held = self.instances[instance_id].residencies.get(function)
        if held is not None and held.state in (LOADING, MOVING):
            known = self.functions[function]
            new = residencies.loaded(held, known, tier, memory_bytes)
            foreseen = new[3:] == held[3:] and tier is held.tier and not self.gpus
            self._set(instance_id, new, unsettles=not foreseen)

    def started(self, instance_id: str, function: str, tier: Tier) -> None:
        """Fold in which tier a call found its function, where that is not the one ordered."""
        held = self.instances[instance_id].residencies.get(function)
        if held is not None and held.tier is not tier:
            self._set(instance_id, self._residency(function, tier, held.state))

    def forked(self, instance_id: str, function: str, library_bytes: int) -> None:
        """Fold that an instance has the library of a function that was loaded there."""
        instance, library = self.instances.get(instance_id), self.functions[function].library
        if instance is None or library is None or not library_bytes:
            return
        if library not in instance.libraries:
            self._change(instance_id, libraries={**instance.libraries, library: library_bytes})

    def offloading(self, instance_id: str, function: str) -> None:
        """Commit an offload; the memory is free only when it is confirmed."""
        held = self.instances[instance_id].residencies[function]
        self._set(instance_id, held.turned(OFFLOADING))

    def drop(self, instance_id: str, function: str, *, run_ended: bool = False) -> None:
        """Fold that a residency is no more, unless a run has ordered it anew and has not ended."""
        instance = self.instances.get(instance_id)
        gone = instance.residencies.get(function) if instance is not None else None
        if instance is None or gone is None or (gone.state is RUNNING and not run_ended):
            return
        held = dict(instance.residencies)
        del held[function]
        if gone.state in (READY, MOVING):
            self._capacity_changed(instance.owner)
        self.census.moved(instance, function, gone, None)
        self._put(instance.holding(held))

    def measured(
        self, instance_id: str, memory_bytes: Mapping[str, int], library_bytes: Mapping[str, int]
    ) -> None:
        """Fold what is held now; the next load of a function is planned for the most."""
        instance = self.instances.get(instance_id)
        if instance is None:
            return
        held_now = residencies.measured(instance.residencies, self.functions, memory_bytes)
        for name, held in held_now.items():
            if held.tier is HOST:
                self.catalogue.needs(name, held.memory_bytes)
        self._change(instance_id, residencies=held_now, libraries=library_bytes)

    def _residency(self, function: str, tier: Tier, state: ResidencyState) -> Residency:
        return residencies.residency(self.functions[function], tier, state)

    def _gpu_for(self, function: Function, worker: str) -> str | None:
        """Choose the GPU with the most free memory: what is loaded there displaces the least.

        An instance that was not created for a function with use for a GPU has one all the same if
        its owner has such functions, since they may be pre-loaded into it.
        """
        columns = self.catalogue.columns
        rows = columns.rows_of[function.owner]
        needs = columns.gpu_memory_bytes[rows[columns.has_gpu[rows]]].tolist()
        if function.profile.gpu is not None:
            needs = [function.profile.gpu.gpu_memory_bytes]
        gpus = self.workers[worker].gpus if needs else {}
        fitting = (gpu for gpu in gpus if self.gpus[gpu] >= min(needs))
        return max(fitting, key=self.free_gpu_bytes, default=None)

    def _set(self, instance_id: str, residency: Residency, *, unsettles: bool = True) -> None:
        instance, name = self.instances[instance_id], residency.function
        held = instance.residencies
        self.census.moved(instance, name, held.get(name), residency)
        self._put(instance.holding({**held, name: residency}), unsettles=unsettles)

    def _change(self, instance_id: str, **changes: Any) -> Instance:
        old = self.instances[instance_id]
        return self._replace(old, old._replace(**changes))

    def _replace(self, old: Instance, new: Instance) -> Instance:
        self.census.replaced(old, new)
        return self._put(new)

    def _capacity_changed(self, owner: str) -> None:
        self.capacity_version += 1
        self.unplanned[owner] = None
        self._undrained.add(owner)

    def _next_id(self) -> str:
        """Return a new id; those of instances that were found are passed over."""
        self._created += 1
        while f"i{self._created}" in self.instances:
            self._created += 1
        return f"i{self._created}"

    def _add(self, instance: Instance) -> Instance:
        self.census.created(instance)
        return self._put(instance)

    def _put(self, instance: Instance, *, unsettles: bool = True) -> Instance:
        self.instances[instance.id] = instance
        if unsettles and instance.state is IDLE:
            self.unsettled[instance.id] = None
        return instance
