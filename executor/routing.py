"""Which instance serves a call: a pure function of the state."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from executor import workers
from executor.domain import IDLE, LOADING, MOVING, READY, Function, Instance, StartKind, Tier
from executor.state import State


class Serve(NamedTuple):
    """Run in this idle instance."""

    instance_id: str
    kind: StartKind


@dataclass(frozen=True)
class Create:
    """Start an instance on this worker."""

    worker: str


@dataclass(frozen=True)
class Reuse:
    """Start an instance in the container of this idle one, which belongs to others."""

    instance_id: str


@dataclass(frozen=True)
class Evict:
    """Stop these idle instances to make room for a new one."""

    instance_ids: tuple[str, ...]


@dataclass(frozen=True)
class Wait:
    """Wait until an instance turns idle or memory comes free."""


@dataclass(frozen=True)
class Refuse:
    """No worker can ever hold the function."""

    reason: str


Decision: TypeAlias = Serve | Create | Reuse | Evict | Wait | Refuse

Worth: TypeAlias = Callable[[str], float]
"""Gives what a residency of the function is worth now; higher is dearer to lose."""

Reusable: TypeAlias = Callable[[Function], str | None]
"""Names an idle instance of others whose container the function may take over."""

Lent: TypeAlias = Callable[[str], bool]
"""Tells whether an instance is lent to others now."""

_KINDS = {Tier.GPU: StartKind.GPU, Tier.HOST: StartKind.HOST, Tier.LIBRARY: StartKind.LIBRARY}
_RANKS = {
    StartKind.GPU: 4,
    StartKind.HOST: 3,
    StartKind.LIBRARY: 1,
    StartKind.WARM: 0,
}
_JOIN_RANK = 2
_HOLDING = (READY, MOVING, LOADING)


def choose(
    state: State,
    function: Function,
    worth: Worth,
    lent: Lent,
    eviction_rank: Worth,
    reusable: Reusable,
) -> Decision:
    """Decide how to serve a call to ``function``.

    An idle instance of the owner that has the function loaded comes first, then one that is
    loading it, then the one whose other residencies are worth least, of several the owner's own
    before rented ones and lent ones last; then the container of an instance that others lend or
    nobody has; then a new instance, then one in the place of idle instances with the lowest
    ``eviction_rank``.
    """
    return choose_idle(state, function, worth, lent) or _choose_new(
        state, function, eviction_rank, reusable
    )


def choose_idle(state: State, function: Function, worth: Worth, lent: Lent) -> Serve | None:
    """Choose among the idle instances of the function's owner; None when none can serve."""
    holding = [one for one in state.holders(function.name) if _holds(one, function.name)]
    idle = _usable(holding, function) or _usable(state.of_owner(function.owner), function)
    if not idle:
        return None
    best = idle[0]
    if len(idle) > 1:
        best = max(idle, key=lambda instance: _preference(instance, function, worth, lent))
    return Serve(best.id, start_kind(best, function))


def start_kind(instance: Instance, function: Function) -> StartKind:
    """Name what a call finds in a running instance."""
    residency = instance.residencies.get(function.name)
    if residency is not None and residency.state is READY:
        return _KINDS[residency.tier]
    if residency is not None and residency.state is MOVING:
        return StartKind.HOST
    return StartKind.LIBRARY if function.library in instance.libraries else StartKind.WARM


def _usable(instances: Iterable[Instance], function: Function) -> list[Instance]:
    need_bytes = function.memory_limit_bytes
    return [one for one in instances if one.state is IDLE and one.limit_bytes >= need_bytes]


def _holds(instance: Instance, function: str) -> bool:
    return instance.residencies[function].state in _HOLDING


def _preference(
    instance: Instance, function: Function, worth: Worth, lent: Lent
) -> tuple[int, float, bool, bool, int]:
    own = instance.residencies.get(function.name)
    rank = _RANKS[start_kind(instance, function)]
    if own is not None and own.state is LOADING:
        rank = _JOIN_RANK
    displaced = sum([worth(name) for name in instance.residencies if name != function.name])
    return rank, -displaced, not lent(instance.id), not instance.rented, -instance.limit_bytes


def _choose_new(
    state: State, function: Function, eviction_rank: Worth, reusable: Reusable
) -> Decision:
    need = function.memory_limit_bytes
    if all(worker.memory_bytes < need for worker in state.workers.values()):
        return Refuse(f"no worker has the {need} bytes of memory that {function.name} may take")
    instance_id = reusable(function)
    if instance_id is not None:
        return Reuse(instance_id)
    roomiest = workers.roomiest_for(state, function)
    if state.free_bytes(roomiest) >= need:
        return Create(roomiest)
    victims = [_victims(state, worker, need, eviction_rank) for worker in state.answering]
    found = [ids for ids in victims if ids is not None]
    if not found:
        return Wait()
    fewest = min(found, key=len)
    return Evict(fewest) if fewest else Wait()


def _victims(
    state: State, worker: str, need_bytes: int, eviction_rank: Worth
) -> tuple[str, ...] | None:
    """Idle instances to stop on a worker; empty when enough is stopping, None when impossible."""
    count = state.census.by_worker[worker]
    free = state.free_bytes(worker) + count.stopping_bytes
    if free >= need_bytes:
        return ()
    if free + count.idle_bytes < need_bytes:
        return None
    here = (state.instances[id_] for id_ in count.ids)
    idle = (one for one in here if one.state is IDLE)
    chosen: list[str] = []
    for instance in sorted(idle, key=lambda one: (eviction_rank(one.id), one.since_s)):
        if free >= need_bytes:
            break
        chosen.append(instance.id)
        free += instance.limit_bytes
    return tuple(chosen)
