"""Desired against observed: the ordered, budgeted actions that remove the drift. Idempotent.

A residency that no wish names stays while its room is not needed: idle memory costs nothing, and
an offload that gains nothing is churn. Loads are ordered only into memory that is free already, so
offloads come first and the loads follow when those are confirmed.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from executor.actions import Load, Offload
from executor.domain import Function, Instance, InstanceState, Residency, ResidencyState
from executor.planner import Wish, capacity_bytes


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Drift:
    """What to do now, and the instances whose loads the budget does not allow yet."""

    actions: list[Load | Offload]
    held_up: list[str]


def diff(
    wishes: Iterable[Wish],
    instances: Mapping[str, Instance],
    functions: Mapping[str, Function],
    budget: Budget,
    loading: Mapping[str, int],
) -> Drift:
    """List what to do now; what must wait for an offload or for the budget comes with a later call.

    Wishes for instances that are gone or not idle, and for functions that are not in ``functions``
    (disabled, in quarantine), are passed over: a plan is older than the world.

    Parameters
    ----------
    wishes
        Of the instances to look at.
    instances, functions
        As they are; all that wishes and residencies may name.
    budget
        How much may be done at once.
    loading
        Loads under way on each worker.
    """
    wanted: dict[str, list[Wish]] = {}
    for wish in wishes:
        instance = instances.get(wish.instance_id)
        idle = instance is not None and instance.state is InstanceState.IDLE
        if idle and wish.function in functions:
            wanted.setdefault(wish.instance_id, []).append(wish)
    offloads: list[Load | Offload] = []
    loads: list[Wish] = []
    for instance_id, here in wanted.items():
        evict, startable = _fit(instances[instance_id], here, functions, budget.reserve_bytes)
        offloads.extend(Offload(instance_id, name) for name in evict)
        loads.extend(startable)
    chosen, held_up = _within(loads, instances, budget, loading)
    return Drift(offloads + chosen, held_up)


def _within(
    loads: list[Wish], instances: Mapping[str, Instance], budget: Budget, loading: Mapping[str, int]
) -> tuple[list[Load | Offload], list[str]]:
    """Choose loads by worth until each worker has as many under way as it may."""
    started: Counter[str] = Counter()
    chosen: list[Load | Offload] = []
    held_up = []
    for wish in sorted(loads, key=lambda one: -one.worth_s):
        worker = instances[wish.instance_id].worker
        if loading[worker] + started[worker] < budget.loads_per_worker:
            started[worker] += 1
            chosen.append(Load(wish.instance_id, wish.function, wish.tier))
        else:
            held_up.append(wish.instance_id)
    return chosen, held_up


def _fit(
    instance: Instance,
    wishes: list[Wish],
    functions: Mapping[str, Function],
    reserve_bytes: int,
) -> tuple[list[str], list[Wish]]:
    """Name the residencies to take away, and the wishes whose room is free now."""
    named = {wish.function for wish in wishes}
    missing = [
        functions[wish.function] for wish in wishes if wish.function not in instance.residencies
    ]
    groups = {functions[name].library for name in instance.residencies if name in functions}
    taken = _taken_bytes(instance.residencies.values(), functions)
    free = capacity_bytes(instance, reserve_bytes) - taken
    spare = [one for one in instance.residencies.values() if one.function not in named]
    leaving = sum(one.memory_bytes for one in spare if one.state is ResidencyState.OFFLOADING)
    need = sum(_fill(missing, set(groups), math.inf).values())
    fitting = _fill(missing, groups, free)
    return _evict(spare, need - free - leaving), [one for one in wishes if one.function in fitting]


def _fill(missing: list[Function], groups: set[str | None], free_bytes: float) -> dict[str, int]:
    """Take functions in order while they fit, each with its library group if that is new."""
    taken: dict[str, int] = {}
    for function in missing:
        size_bytes = function.profile.memory_bytes
        if function.library not in groups:
            size_bytes += function.profile.library_bytes
        if size_bytes <= free_bytes:
            taken[function.name] = size_bytes
            free_bytes -= size_bytes
            groups.add(function.library)
    return taken


def _evict(spare: list[Residency], shortage_bytes: int) -> list[str]:
    evict = []
    going = [one for one in spare if one.state is not ResidencyState.OFFLOADING]
    for residency in sorted(going, key=lambda one: -one.memory_bytes):
        if shortage_bytes <= 0:
            break
        evict.append(residency.function)
        shortage_bytes -= residency.memory_bytes
    return evict


def _taken_bytes(held: Iterable[Residency], functions: Mapping[str, Function]) -> int:
    held = list(held)
    groups = {}
    for residency in held:
        function = functions.get(residency.function)
        if function is not None and function.library is not None:
            groups[function.library] = function.profile.library_bytes
    return sum(residency.memory_bytes for residency in held) + sum(groups.values())
