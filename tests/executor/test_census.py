from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from executor.actions import Run
from executor.census import Census
from executor.domain import Instance, InstanceState, ResidencyState, Tier
from executor.state import State
from tests.executor.worlds import function, state

FUNCTIONS = [function(name, owner="ann" if name < "h" else "bob") for name in "fghi"]
NAMES = st.sampled_from("fghi")
Move = Callable[[State, Instance, str], object]
IDLE, BUSY, STARTING = InstanceState.IDLE, InstanceState.BUSY, InstanceState.STARTING
MOVES: dict[str, tuple[tuple[InstanceState, ...], Move]] = {
    "ready": ((STARTING,), lambda world, one, _: world.ready(one.id, 0, 0.0)),
    "load": ((IDLE,), lambda world, one, name: world.loading(one.id, name, Tier.HOST)),
    "move": ((IDLE,), lambda world, one, name: world.loading(one.id, name, Tier.GPU)),
    "loaded": ((IDLE, BUSY), lambda world, one, name: world.loaded(one.id, name, Tier.HOST, 5)),
    "drop": ((IDLE, BUSY), lambda world, one, name: world.drop(one.id, name)),
    "run": ((IDLE,), lambda world, one, name: world.run(_run(one, name), 0.0)),
    "idle": ((BUSY,), lambda world, one, _: world.idle(one.id, 0.0)),
    "stop": ((IDLE, STARTING), lambda world, one, _: world.stopping(one.id, 0.0)),
    "gone": (tuple(InstanceState), lambda world, one, _: world.gone(one.id)),
}
moves = st.lists(st.tuples(st.sampled_from(["create", *MOVES]), st.integers(0, 3), NAMES))


def _run(instance: Instance, name: str) -> Run:
    return Run("c", instance.id, name, Tier.HOST, 60.0)


def step(world: State, move: str, place: int, name: str) -> None:
    """Make a move on the instance at a place, where its state allows it."""
    if move == "create":
        world.create("w", name, 0.0)
    elif place < len(world.instances):
        instance = list(world.instances.values())[place]
        states, make = MOVES[move]
        if instance.state in states:
            make(world, instance, name)


def recounted(world: State) -> Census:
    census = Census(world.workers.values())
    for instance in world.instances.values():
        census.created(instance)
    return census


def some(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def lists(ids: dict[str, dict[str, None]]) -> dict[str, set[str]]:
    return {name: set(one) for name, one in ids.items() if one}


@given(moves)
def test_counts_kept_while_instances_change_are_those_of_a_count_from_nothing(
    made: list[tuple[str, int, str]],
) -> None:
    world = state(*FUNCTIONS)
    for move in made:
        step(world, *move)
    kept, anew = world.census, recounted(world)
    assert kept.by_worker == anew.by_worker
    assert lists(kept.by_owner) == lists(anew.by_owner)
    assert lists(kept.holders) == lists(anew.holders)
    for name in ("busy", "spare", "existing"):
        assert some(getattr(kept, name)) == some(getattr(anew, name))


def test_loads_under_way_are_counted_by_worker() -> None:
    world = state(*FUNCTIONS)
    instance = world.ready(world.create("w", "f", 0.0).id, 0, 0.0)
    world.loading(instance.id, "g", Tier.HOST)
    assert world.census.by_worker["w"].loading == 1
    world.loaded(instance.id, "g", Tier.HOST, 5)
    assert world.census.by_worker["w"].loading == 0
    assert world.instances[instance.id].residencies["g"].state is ResidencyState.READY
