from executor.domain import Instance, InstanceState, Residency, ResidencyState, Tier
from executor.gpu_room import claimed_bytes, plannable_bytes

IDLE, BUSY = InstanceState.IDLE, InstanceState.BUSY


def instance(name: str, state: InstanceState, gpu: str | None, *gpu_bytes: int) -> Instance:
    residencies = {
        f"{name}-{at}": Residency(f"{name}-{at}", Tier.GPU, ResidencyState.READY, 1, size)
        for at, size in enumerate(gpu_bytes)
    }
    return Instance(name, "w", "ann", "f", 9, state, 0.0, residencies=residencies, gpu=gpu)


ALL = [
    instance("idle", IDLE, "k1", 10, 5),
    instance("busy", BUSY, "k1", 20),
    instance("other", IDLE, "k1", 40),
    instance("elsewhere", IDLE, "k2", 80),
    instance("none", IDLE, None),
]
BY_NAME = {one.id: one for one in ALL}


def test_what_all_instances_of_a_gpu_hold_is_claimed() -> None:
    assert claimed_bytes("k1", ALL) == 75
    assert claimed_bytes("k2", ALL) == 80


def test_a_plan_may_use_what_its_idle_instances_hold_and_nothing_else() -> None:
    planned = {name: BY_NAME[name] for name in ("idle", "busy")}
    assert plannable_bytes({"k1": 100, "k2": 100}, BY_NAME, planned) == {"k1": 40, "k2": 20}


def test_a_gpu_that_has_shrunk_below_what_is_held_has_nothing_left() -> None:
    assert plannable_bytes({"k1": 50}, BY_NAME, {}) == {"k1": 0}
