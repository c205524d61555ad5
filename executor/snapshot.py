"""What planning is told of the instances of some owners."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from executor.domain import Instance, InstanceState, ResidencyState
from executor.gpu_room import plannable_bytes
from executor.state import State


@dataclass(frozen=True)
class Snapshot:
    """A view that no later event changes.

    ``running`` counts the running calls of functions that have any; ``gpus`` are the bytes of each
    GPU that these instances' residencies may hold, those that idle ones hold now included.
    """

    instances: Mapping[str, Instance]
    running: Mapping[str, int]
    gpus: Mapping[str, int]


def take_snapshot(state: State, owners: Iterable[str]) -> Snapshot:
    """Freeze what owners have."""
    instances = {one.id: one for owner in owners for one in state.of_owner(owner)}
    running = Counter(
        held.function
        for one in instances.values()
        if one.state is InstanceState.BUSY
        for held in one.residencies.values()
        if held.state is ResidencyState.RUNNING
    )
    return Snapshot(instances, running, plannable_bytes(state.gpus, state.instances, instances))
