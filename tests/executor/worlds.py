"""Small worlds for the tests of the executor."""

from dataclasses import replace

from executor.domain import (
    Function,
    GpuProfile,
    Instance,
    InstanceState,
    Profile,
    Residency,
    ResidencyState,
    Tier,
    Worker,
)
from executor.state import State
from executor.units import MIB


def function(name: str, *, owner: str = "ann", mib: int = 100, limit_mib: int = 400) -> Function:
    return Function(
        name=name,
        owner=owner,
        memory_limit_bytes=limit_mib * MIB,
        profile=Profile(import_s=0.7, load_s=0.3, memory_bytes=mib * MIB),
    )


def on_gpu(one: Function, *, gpu_mib: int, move_s: float = 0.5) -> Function:
    gpu = GpuProfile(memory_bytes=50 * MIB, gpu_memory_bytes=gpu_mib * MIB, move_s=move_s)
    return replace(one, profile=replace(one.profile, gpu=gpu))


def state(*functions: Function, worker_mib: int = 1000) -> State:
    return State(functions, [Worker("w", worker_mib * MIB)])


def idle_instance(world: State, name: str, at_s: float = 0.0) -> Instance:
    created = world.create("w", name, at_s)
    return world.ready(created.id, 0, at_s)


def hold(world: State, instance_id: str, name: str) -> None:
    world.loading(instance_id, name, Tier.HOST)
    world.loaded(instance_id, name, Tier.HOST, world.functions[name].profile.memory_bytes)


def with_residents(instance: Instance, *functions: Function) -> Instance:
    residents = {
        one.name: Residency(one.name, Tier.HOST, ResidencyState.READY, one.profile.memory_bytes)
        for one in functions
    }
    return instance._replace(state=InstanceState.IDLE, residencies=residents)
