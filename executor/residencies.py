"""How the residencies of an instance change: from what it holds to what it holds then."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from executor.actions import Run
from executor.domain import (
    GPU,
    LOADING,
    MOVING,
    OFFLOADING,
    READY,
    RUNNING,
    Function,
    Isolation,
    Residency,
    ResidencyState,
    Tier,
)

Held: TypeAlias = Mapping[str, Residency]


def residency(function: Function, tier: Tier, state: ResidencyState) -> Residency:
    """Return a residency that takes what its function is known to take."""
    return Residency(
        function.name, tier, state, function.memory_bytes(tier), function.gpu_bytes(tier)
    )


def ordered(function: Function, tier: Tier, held: Residency | None) -> Residency:
    """Return what an order to load makes of a residency, or of none.

    Of a loaded function it is a move: until that is over it holds what it does in either tier.
    """
    new = residency(function, tier, LOADING)
    if held is None or held.state not in (READY, MOVING):
        return new
    return new._replace(
        state=MOVING,
        memory_bytes=max(held.memory_bytes, new.memory_bytes),
        gpu_memory_bytes=max(held.gpu_memory_bytes, new.gpu_memory_bytes),
    )


def kept(
    function: Function, held: Iterable[str], functions: Mapping[str, Function]
) -> frozenset[str]:
    """Name the residencies that stay beside a run of a function: those that, like it, opted in."""
    if function.isolation is Isolation.STRICT:
        return frozenset()
    others = (name for name in held if name != function.name)
    return frozenset(one for one in others if functions[one].isolation is Isolation.SHARE)


def during(run: Run, function: Function, held: Held) -> Held:
    """Return what is held from the order of a run on: what it does not keep is on its way out."""
    others = {
        name: one if name in run.keep else one.turned(OFFLOADING)
        for name, one in held.items()
        if name != function.name
    }
    others[function.name] = residency(function, run.tier, RUNNING)
    return others


def after_run(held: Held) -> Held:
    """Return what is held when a run has ended: what ran is ready."""
    return {name: one.turned(READY) if one.state is RUNNING else one for name, one in held.items()}


def loaded(held: Residency, function: Function, tier: Tier, memory_bytes: int) -> Residency:
    """Return a residency that is ready in a tier, with the memory it was measured to take."""
    return Residency(
        held.function,
        tier,
        READY,
        _measured_bytes(function, tier, memory_bytes),
        function.gpu_bytes(tier),
    )


def measured(
    held: Held, functions: Mapping[str, Function], memory_bytes: Mapping[str, int]
) -> Held:
    """Return what is held with the bytes that it was measured to take."""
    now = {name: memory_bytes.get(name, one.memory_bytes) for name, one in held.items()}
    return {
        name: one._replace(memory_bytes=_measured_bytes(functions[name], one.tier, now[name]))
        for name, one in held.items()
    }


def _measured_bytes(function: Function, tier: Tier, memory_bytes: int) -> int:
    """Return what a residency takes: on a GPU it keeps room in memory for its way back."""
    return max(memory_bytes, function.profile.memory_bytes) if tier is GPU else memory_bytes
