"""Room on a full GPU: which models go to memory for another one. Pure functions of the state."""

from collections.abc import Callable, Container
from typing import NamedTuple

from executor.domain import (
    GPU,
    IDLE,
    MOVING,
    OFFLOADING,
    READY,
    STOPPING,
    Function,
    Instance,
    Residency,
)
from executor.state import State


class Resident(NamedTuple):
    """A function in an instance."""

    instance_id: str
    function: str


def for_call(
    state: State,
    instance: Instance,
    function: Function,
    kept: Container[str],
    loss_s: Callable[[str], float],
) -> list[Resident] | None:
    """Name the models that go to memory for a call; None when the call is not to use the GPU.

    That is so when neither the function nor its instance has one, or when what busy instances
    hold of it leaves too little: then the call is served from memory rather than made to wait.

    Parameters
    ----------
    kept
        Functions that stay in the instance beside the call; the others go, and free their memory.
    loss_s
        What a function loses when it leaves the GPU, in expected seconds.
    """
    gpu = function.profile.gpu
    if gpu is None or instance.gpu is None:
        return None
    held = instance.residencies.get(function.name)
    if held is not None and held.tier is GPU:
        return []
    leaving = {Resident(instance.id, name) for name in instance.residencies if name not in kept}
    return make_room(state, instance.gpu, gpu.gpu_memory_bytes, loss_s, leaving=leaving)


def make_room(
    state: State,
    gpu: str,
    need_bytes: int,
    loss_s: Callable[[str], float],
    *,
    leaving: Container[Resident] = (),
    spared: Container[Resident] = (),
) -> list[Resident] | None:
    """Name the models to move to memory until a GPU has room, the least valuable first.

    None when even all that are idle would not do. What is ``leaving`` already is counted as room.
    """
    room_bytes = state.free_gpu_bytes(gpu)
    candidates: list[tuple[float, Resident, int]] = []
    for instance in state.instances.values():
        for held in instance.residencies.values() if instance.gpu == gpu else ():
            resident = Resident(instance.id, held.function)
            if resident in leaving or _is_leaving(instance, held):
                room_bytes += held.gpu_memory_bytes
            elif _is_idle(instance, held) and resident not in spared:
                candidates.append((loss_s(held.function), resident, held.gpu_memory_bytes))
    chosen = []
    for _, resident, size_bytes in sorted(candidates):
        if room_bytes >= need_bytes:
            break
        chosen.append(resident)
        room_bytes += size_bytes
    return chosen if room_bytes >= need_bytes else None


def _is_leaving(instance: Instance, held: Residency) -> bool:
    moving_away = held.state is MOVING and held.tier is not GPU
    return moving_away or held.state is OFFLOADING or instance.state is STOPPING


def _is_idle(instance: Instance, held: Residency) -> bool:
    ready = held.state is READY and held.tier is GPU
    return ready and instance.state is IDLE
