from hypothesis import given
from hypothesis import strategies as st

from executor.actions import Run
from executor.census import Census
from executor.domain import InstanceState, ResidencyState, Tier
from executor.state import State
from tests.executor.worlds import function, state

FUNCTIONS = [function(name, owner="ann" if name < "h" else "bob") for name in "fghi"]
STEPS = ["create", "ready", "load", "loaded", "offload", "drop", "run", "idle", "stop", "gone"]
moves = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 3), st.sampled_from("fghi")))


def step(world: State, move: str, place: int, name: str) -> None:
    """Make a move on the instance at a place, where the rules allow it."""
    if move == "create":
        world.create("w", name, 0.0)
        return
    if place >= len(world.instances):
        return
    here = list(world.instances.values())[place]
    idle, busy = here.state is InstanceState.IDLE, here.state is InstanceState.BUSY
    held = name in here.residencies
    if move == "ready" and here.state is InstanceState.STARTING:
        world.ready(here.id, 0, 0.0)
    elif move == "load" and idle and not held:
        world.loading(here.id, name, Tier.HOST)
    elif move == "loaded":
        world.loaded(here.id, name, Tier.HOST, 5)
    elif move == "offload" and held and idle:
        world.offloading(here.id, name)
    elif move == "drop":
        world.drop(here.id, name)
    elif move == "run" and idle:
        world.run(Run("c", here.id, name, Tier.HOST, 60.0), 0.0)
    elif move == "idle" and busy:
        world.idle(here.id, 0.0)
    elif move == "stop":
        world.stopping(here.id, 0.0)
    elif move == "gone":
        world.gone(here.id)


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
