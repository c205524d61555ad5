"""How the residencies of an instance change: from what it holds to what it holds then."""

from collections.abc import Mapping
from typing import TypeAlias

from executor.actions import Run
from executor.domain import Function, Residency, ResidencyState, Tier

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
    new = residency(function, tier, ResidencyState.LOADING)
    if held is None or held.state not in (ResidencyState.READY, ResidencyState.MOVING):
        return new._replace(ahead=True)
    return new._replace(
        ahead=held.ahead,
        state=ResidencyState.MOVING,
        memory_bytes=max(held.memory_bytes, new.memory_bytes),
        gpu_memory_bytes=max(held.gpu_memory_bytes, new.gpu_memory_bytes),
    )


def during(run: Run, function: Function, held: Held) -> Held:
    """Return what is held from the order of a run on: what it does not keep is on its way out."""
    others = {
        name: one if name in run.keep else one.turned(ResidencyState.OFFLOADING)
        for name, one in held.items()
        if name != function.name
    }
    ahead = function.name in held and held[function.name].ahead
    running = residency(function, run.tier, ResidencyState.RUNNING)
    return {**others, function.name: running._replace(ahead=ahead)}


def after_run(held: Held) -> Held:
    """Return what is held when a run has ended: what ran is ready."""
    return {
        name: one.turned(ResidencyState.READY) if one.state is ResidencyState.RUNNING else one
        for name, one in held.items()
    }


def holding(one: Residency, function: Function, memory_bytes: int) -> Residency:
    """Return a residency that was measured; on a GPU it keeps room in memory for its way back."""
    if one.tier is Tier.GPU:
        memory_bytes = max(memory_bytes, function.profile.memory_bytes)
    return one._replace(memory_bytes=memory_bytes)


def measured(
    held: Held, functions: Mapping[str, Function], memory_bytes: Mapping[str, int]
) -> Held:
    """Return what is held with the bytes that it was measured to take."""
    return {
        name: holding(one, functions[name], memory_bytes.get(name, one.memory_bytes))
        for name, one in held.items()
    }
