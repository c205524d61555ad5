"""Counts over all instances, kept while they change, since every event needs some of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from executor.domain import Instance, InstanceState, Residency, ResidencyState, Worker

_NOTHING: Mapping[str, Residency] = {}


@dataclass(slots=True)
class WorkerCount:
    """Instances of a worker: who, the limits of all, of the idle and of the stopping ones."""

    ids: dict[str, None] = field(default_factory=dict)
    committed_bytes: int = 0
    idle_bytes: int = 0
    stopping_bytes: int = 0
    loading: int = 0


class Census:
    """Who is where and how many, by worker, owner and function."""

    def __init__(self, workers: Iterable[Worker]) -> None:
        self.by_worker = {worker.name: WorkerCount() for worker in workers}
        self.by_owner: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.holders: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.busy: defaultdict[str, int] = defaultdict(int)
        self.spare: defaultdict[str, int] = defaultdict(int)
        self.existing: defaultdict[str, int] = defaultdict(int)

    def changed(self, old: Instance | None, new: Instance | None) -> None:
        """Count an instance anew: created (no old one), replaced or gone (no new one)."""
        if old is not None:
            self._count(old, -1)
        if new is not None:
            self._count(new, 1)
        self._count_residencies(old, new)
        one = new or old
        if one is not None and (old is None or new is None):
            _list(self.by_owner[one.owner], one.id, there=old is None)
            _list(self.by_worker[one.worker].ids, one.id, there=old is None)

    def _count(self, one: Instance, sign: int) -> None:
        worker = self.by_worker[one.worker]
        worker.committed_bytes += sign * one.limit_bytes
        self.existing[one.function] += sign
        match one.state:
            case InstanceState.BUSY:
                self.busy[one.function] += sign
            case InstanceState.STOPPING:
                worker.stopping_bytes += sign * one.limit_bytes
            case InstanceState.STARTING:
                self.spare[one.function] += sign
            case InstanceState.IDLE:
                self.spare[one.function] += sign
                worker.idle_bytes += sign * one.limit_bytes

    def _count_residencies(self, old: Instance | None, new: Instance | None) -> None:
        before = old.residencies if old is not None else _NOTHING
        after = new.residencies if new is not None else _NOTHING
        one = new or old
        if before is after or one is None:
            return
        for name in before:
            if name not in after:
                _list(self.holders[name], one.id, there=False)
        for name in after:
            if name not in before:
                _list(self.holders[name], one.id, there=True)
        self.by_worker[one.worker].loading += _loading(after) - _loading(before)


def _loading(held: Mapping[str, Residency]) -> int:
    return sum(one.state is ResidencyState.LOADING for one in held.values())


def _list(ids: dict[str, None], id_: str, *, there: bool) -> None:
    if there:
        ids[id_] = None
    else:
        del ids[id_]
