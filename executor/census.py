"""Counts over all instances, kept while they change, since every event needs some of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from executor.domain import (
    BUSY,
    IDLE,
    LOADING,
    MOVING,
    STOPPING,
    Instance,
    Residency,
    Worker,
)

_NOTHING: Mapping[str, Residency] = {}


@dataclass
class WorkerCount:
    """Instances of a worker: who, the limits of all, of the idle and of the stopping ones."""

    ids: dict[str, None] = field(default_factory=dict)
    committed_bytes: int = 0
    idle_bytes: int = 0
    stopping_bytes: int = 0
    loading: int = 0


class Census:
    """Who is where and how many, by worker, owner and function.

    ``releases`` counts how often memory has come free on a worker.
    """

    def __init__(self, workers: Iterable[Worker]) -> None:
        self.releases = 0
        self.by_worker = {worker.name: WorkerCount() for worker in workers}
        self.by_owner: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.holders: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.busy: defaultdict[str, int] = defaultdict(int)
        self.spare: defaultdict[str, int] = defaultdict(int)
        self.existing: defaultdict[str, int] = defaultdict(int)

    def created(self, new: Instance) -> None:
        """Count a new instance."""
        self._count(new, 1)
        self.by_owner[new.owner][new.id] = None
        self.by_worker[new.worker].ids[new.id] = None
        self._hold(new, _NOTHING, new.residencies)

    def replaced(self, old: Instance, new: Instance) -> None:
        """Count an instance anew that has changed."""
        if old.limit_bytes != new.limit_bytes:
            self.releases += new.limit_bytes < old.limit_bytes
            self._count(old, -1)
            self._count(new, 1)
        elif old.state is not new.state:
            self._count_state(old, -1)
            self._count_state(new, 1)
        if old.residencies is not new.residencies:
            self._hold(new, old.residencies, new.residencies)

    def moved(
        self, one: Instance, function: str, old: Residency | None, new: Residency | None
    ) -> None:
        """Count a single residency of an instance anew: come, replaced or gone."""
        change = 0
        if new is None:
            del self.holders[function][one.id]
        elif new.state is LOADING or new.state is MOVING:
            change = 1
        if old is None:
            self.holders[function][one.id] = None
        elif old.state is LOADING or old.state is MOVING:
            change -= 1
        if change:
            self.by_worker[one.worker].loading += change

    def gone(self, old: Instance) -> None:
        """Count an instance out."""
        self.releases += 1
        self._count(old, -1)
        del self.by_owner[old.owner][old.id]
        del self.by_worker[old.worker].ids[old.id]
        self._hold(old, old.residencies, _NOTHING)

    def _count(self, one: Instance, sign: int) -> None:
        self.by_worker[one.worker].committed_bytes += sign * one.limit_bytes
        self.existing[one.function] += sign
        self._count_state(one, sign)

    def _count_state(self, one: Instance, sign: int) -> None:
        if one.state is BUSY:
            self.busy[one.function] += sign
        elif one.state is STOPPING:
            self.by_worker[one.worker].stopping_bytes += sign * one.limit_bytes
        else:
            self.spare[one.function] += sign
            if one.state is IDLE:
                self.by_worker[one.worker].idle_bytes += sign * one.limit_bytes

    def _hold(
        self, one: Instance, before: Mapping[str, Residency], after: Mapping[str, Residency]
    ) -> None:
        for name, new in after.items():
            old = before.get(name)
            if old is not new:
                self.moved(one, name, old, new)
        for name, old in before.items():
            if name not in after:
                self.moved(one, name, old, None)
