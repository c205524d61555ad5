"""Desired against observed: the ordered, budgeted actions that remove the drift. Idempotent.

A residency that no wish names stays while its room is not needed: idle memory costs nothing, and
an offload that gains nothing is churn. Loads are ordered only into memory that is free already, so
offloads come first and the loads follow when those are confirmed. What is loaded in another tier
than is wished moves: to memory at once, to a GPU when there is room.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, NamedTuple

from executor.actions import Load, Offload
from executor.domain import GPU, IDLE, NOTHING, OFFLOADING, READY, Function, Instance, Residency
from executor.planner import Wish, capacity_bytes

_worth_s: Final = attrgetter("worth_s")
_memory_bytes: Final = attrgetter("memory_bytes")


@dataclass(frozen=True)
class Budget:
    """Limits that keep loading from slowing running calls.

    Parameters
    ----------
    loads_per_worker
        Loads under way at once on a worker; each takes about a core.
    reserve_bytes
        Memory kept free in each instance.
    """

    loads_per_worker: int = 1
    reserve_bytes: int = 0


class Room(NamedTuple):
    """What there is for loads: those under way on each worker, and the free bytes of GPUs."""

    loading: Mapping[str, int]
    gpu_bytes: Mapping[str, int] = NOTHING


class Drift(NamedTuple):
    """What to do now, and the instances whose loads the budget or a GPU does not allow yet.

    ``lacking_bytes`` is what those need of each GPU.
    """

    actions: list[Load | Offload]
    held_up: list[str]
    lacking_bytes: dict[str, int]


def lacking(instance: Instance, wishes: Iterable[Wish]) -> bool:
    """Whether a wish is neither fulfilled nor on its way to be."""
    held = instance.residencies
    for wish in wishes:
        residency = held.get(wish.function)
        if residency is None or (residency.tier is not wish.tier and _moves(residency, wish)):
            return True
    return False


def _moves(held: Residency, wish: Wish) -> bool:
    return held.state is READY and held.tier is not wish.tier


def diff(
    wishes: Mapping[str, Iterable[Wish]],
    instances: Mapping[str, Instance],
    functions: Mapping[str, Function],
    budget: Budget,
    room: Room,
) -> Drift:
    """List what to do now; what must wait for an offload or for the budget comes with a later call.

    Wishes for instances that are gone or not idle, and for functions that are not in ``functions``
    (disabled, in quarantine), are passed over: a plan is older than the world.

    Parameters
    ----------
    wishes
        Of each instance to look at.
    instances, functions
        As they are; all that wishes and residencies may name.
    budget
        How much may be done at once.
    room
        For loads, on the workers and GPUs of the instances.
    """
    actions: list[Load | Offload] = []
    loads: list[Wish] = []
    for instance_id, wished in wishes.items():
        instance = instances.get(instance_id)
        if instance is None or instance.state is not IDLE:
            continue
        here = [wish for wish in wished if wish.function in functions]
        evict, startable = _fit(instance, here, functions, budget.reserve_bytes)
        actions += [Offload(instance_id, name) for name in evict]
        loads += startable
        if instance.gpu is not None:
            moves = [wish for wish in here if _is_move(instance, wish)]
            actions.extend([_load(wish) for wish in moves if wish.tier is not GPU])
            loads.extend([wish for wish in moves if wish.tier is GPU])
    drift = Drift(actions, [], {})
    if loads:
        _load_within(drift, loads, instances, functions, budget, room)
    return drift


def _is_move(instance: Instance, wish: Wish) -> bool:
    held = instance.residencies.get(wish.function)
    return held is not None and _moves(held, wish)


def _load(wish: Wish) -> Load:
    return Load(wish.instance_id, wish.function, wish.tier)


def _load_within(
    drift: Drift,
    loads: list[Wish],
    instances: Mapping[str, Instance],
    functions: Mapping[str, Function],
    budget: Budget,
    room: Room,
) -> None:
    """Add loads by worth while workers may have more under way, and GPUs have room."""
    loading, gpu_bytes = dict(room.loading), dict(room.gpu_bytes)
    if len(loads) > 1:
        loads.sort(key=_worth_s, reverse=True)
    for wish in loads:
        instance = instances[wish.instance_id]
        gpu = instance.gpu
        need_bytes = 0 if gpu is None else functions[wish.function].gpu_bytes(wish.tier)
        if loading[instance.worker] >= budget.loads_per_worker:
            drift.held_up.append(wish.instance_id)
        elif gpu is not None and need_bytes > gpu_bytes[gpu]:
            drift.held_up.append(wish.instance_id)
            drift.lacking_bytes[gpu] = drift.lacking_bytes.get(gpu, 0) + need_bytes
        else:
            loading[instance.worker] += 1
            if gpu is not None:
                gpu_bytes[gpu] -= need_bytes
            drift.actions.append(_load(wish))


def _fit(
    instance: Instance,
    wishes: list[Wish],
    functions: Mapping[str, Function],
    reserve_bytes: int,
) -> tuple[list[str], list[Wish]]:
    """Name the residencies to take away, and the wishes whose room is free now."""
    held = instance.residencies
    missing = [wish for wish in wishes if wish.function not in held]
    groups = _groups(held, functions)
    taken = sum([one.memory_bytes for one in held.values()]) + sum(groups.values())
    free = capacity_bytes(instance, reserve_bytes) - taken
    fitting = _fill(missing, functions, groups, free)
    if len(fitting) == len(missing) and free >= 0:
        return [], missing
    need = sum(_fill(missing, functions, groups, math.inf).values())
    named = {wish.function for wish in wishes}
    spare = [one for one in held.values() if one.function not in named]
    leaving = sum([one.memory_bytes for one in spare if one.state is OFFLOADING])
    return _evict(spare, need - free - leaving), [one for one in missing if one.function in fitting]


def _groups(
    held: Mapping[str, Residency], functions: Mapping[str, Function]
) -> dict[str | None, int]:
    """Return the library groups of residencies, with their bytes."""
    groups: dict[str | None, int] = {}
    for name in held:
        function = functions.get(name)
        if function is not None:
            group = function.library
            groups[group] = 0 if group is None else function.profile.library_bytes
    return groups


def _fill(
    missing: list[Wish],
    functions: Mapping[str, Function],
    held_groups: Iterable[str | None],
    free_bytes: float,
) -> dict[str, int]:
    """Take functions in order while they fit, each with its library group if that is new."""
    taken: dict[str, int] = {}
    groups = set(held_groups)
    for wish in missing:
        function = functions[wish.function]
        size_bytes = function.memory_bytes(wish.tier)
        if function.library not in groups:
            size_bytes += function.profile.library_bytes
        if size_bytes <= free_bytes:
            taken[function.name] = size_bytes
            free_bytes -= size_bytes
            groups.add(function.library)
    return taken


def _evict(spare: list[Residency], shortage_bytes: int) -> list[str]:
    evict = []
    going = [one for one in spare if one.state is not OFFLOADING]
    for residency in sorted(going, key=_memory_bytes, reverse=True):
        if shortage_bytes <= 0:
            break
        evict.append(residency.function)
        shortage_bytes -= residency.memory_bytes
    return evict
