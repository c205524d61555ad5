import pytest

from executor.actions import Run
from executor.domain import Function, StartKind, Tier, Worker
from executor.routing import Create, Decision, Evict, Refuse, Reuse, Serve, Wait, Worth
from executor.routing import choose as choose_from
from executor.state import State
from executor.units import MIB
from executor.workers import roomiest_for
from tests.executor.worlds import function, hold, idle_instance, state

F, G, H = (function(name) for name in "fgh")


def nothing(_: str) -> float:
    return 0.0


def choose(
    world: State, wanted: Function, worth: Worth, rank: Worth, reusable: str | None = None
) -> Decision:
    return choose_from(world, wanted, worth, lambda _: False, rank, lambda _: reusable)


def busy(world: State, instance_id: str, name: str) -> None:
    world.run(Run("c", instance_id, name, Tier.HOST, 60.0), 0.0)


def test_the_instance_that_holds_the_function_serves() -> None:
    world = state(F, G, worker_mib=2000)
    idle_instance(world, "f")
    second = idle_instance(world, "f")
    hold(world, second.id, "f")
    assert choose(world, F, nothing, nothing) == Serve(second.id, StartKind.HOST)


def test_a_load_under_way_is_joined_before_an_empty_instance_is_used() -> None:
    world = state(F, G, worker_mib=2000)
    idle_instance(world, "f")
    second = idle_instance(world, "f")
    world.loading(second.id, "f", Tier.HOST)
    assert choose(world, F, nothing, nothing) == Serve(second.id, StartKind.WARM)


def test_the_residents_worth_least_are_displaced() -> None:
    world = state(F, G, H, worker_mib=2000)
    first, second = idle_instance(world, "f"), idle_instance(world, "f")
    hold(world, first.id, "g")
    hold(world, second.id, "h")
    worth = {"g": 2.0, "h": 1.0}
    assert choose(world, F, worth.__getitem__, nothing) == Serve(second.id, StartKind.WARM)


def test_instances_of_other_owners_never_serve() -> None:
    other = function("o", owner="bob")
    world = state(F, other)
    idle_instance(world, "o")
    assert choose(world, F, nothing, nothing) == Create("w")


def test_an_instance_that_is_too_small_does_not_serve() -> None:
    big = function("b", limit_mib=500)
    world = state(F, big)
    idle_instance(world, "f")
    assert choose(world, big, nothing, nothing) == Create("w")


def test_without_room_the_idle_instance_of_lowest_rank_goes() -> None:
    others = [function(name, owner="bob") for name in "xy"]
    world = state(F, *others)
    first, second = (idle_instance(world, one.name) for one in others)
    rank = {first.id: 2.0, second.id: 1.0}
    assert choose(world, F, nothing, rank.__getitem__) == Evict((second.id,))


def test_as_many_go_as_the_function_needs() -> None:
    others = [function(name, owner="bob", limit_mib=300) for name in "xyz"]
    big = function("b", limit_mib=600)
    world = state(big, *others)
    ids = [idle_instance(world, one.name).id for one in others]
    rank = dict(zip(ids, (3.0, 1.0, 2.0), strict=True))
    assert choose(world, big, nothing, rank.__getitem__) == Evict((ids[1], ids[2]))


def test_memory_that_is_coming_free_is_waited_for() -> None:
    others = [function(name, owner="bob") for name in "xy"]
    world = state(F, *others)
    first, _ = (idle_instance(world, one.name) for one in others)
    world.stopping(first.id, 1.0)
    assert choose(world, F, nothing, nothing) == Wait()


def test_busy_instances_are_waited_for() -> None:
    world = state(F, worker_mib=500)
    busy(world, idle_instance(world, "f").id, "f")
    assert choose(world, F, nothing, nothing) == Wait()


def test_a_container_of_others_comes_before_a_new_one_and_after_the_owners_own() -> None:
    world = state(F, G, worker_mib=2000)
    assert choose(world, F, nothing, nothing, "i9") == Reuse("i9")
    own = idle_instance(world, "g")
    assert choose(world, F, nothing, nothing, "i9") == Serve(own.id, StartKind.WARM)


def test_what_fits_no_worker_is_refused_by_name() -> None:
    huge = function("huge", limit_mib=4000)
    decision = choose(state(huge), huge, nothing, nothing)
    assert isinstance(decision, Refuse)
    assert "huge" in decision.reason


@pytest.mark.parametrize("loaded", [True, False])
def test_the_start_kind_says_what_was_found(loaded: bool) -> None:
    world = state(F)
    instance = idle_instance(world, "f")
    if loaded:
        hold(world, instance.id, "f")
    expected = StartKind.HOST if loaded else StartKind.WARM
    assert choose(world, F, nothing, nothing) == Serve(instance.id, expected)


def test_a_worker_that_starts_nothing_is_tried_only_when_the_others_are_full() -> None:
    world = State([F], [Worker("w", 500 * MIB), Worker("dead", 900 * MIB)])
    assert choose(world, F, nothing, nothing) == Create("dead")
    world.gone(world.create("dead", "f", 0.0).id)
    assert choose(world, F, nothing, nothing) == Create("w")
    busy(world, idle_instance(world, "f").id, "f")
    assert choose(world, F, nothing, nothing) == Create("dead")
    world.ready(world.create("dead", "f", 0.0).id, 0, 0.0)
    assert roomiest_for(world, F) == "dead"


def test_room_is_made_on_workers_that_answer() -> None:
    theirs = function("x", owner="bob")
    world = State([F, theirs], [Worker("w", 500 * MIB), Worker("away", 900 * MIB)])
    idle = idle_instance(world, "x")
    world.worker_seen("away", answers=False)
    assert choose(world, F, nothing, nothing) == Evict((idle.id,))
    busy(world, idle.id, "x")
    assert choose(world, F, nothing, nothing) == Wait()
    world.worker_seen("away", answers=True)
    assert choose(world, F, nothing, nothing) == Create("away")


def test_where_no_worker_answers_all_are_tried() -> None:
    world = state(F)
    world.worker_seen("w", answers=False)
    assert choose(world, F, nothing, nothing) == Create("w")


def test_the_owners_own_serve_first_then_rented_ones_and_lent_ones_last() -> None:
    world = state(F, worker_mib=3000)
    lent = idle_instance(world, "f")
    rented = world.ready(world.create("w", "f", 0.0, within=lent).id, 0, 0.0)
    own = idle_instance(world, "f")
    for expected in (own, rented, lent):
        found = choose_from(world, F, nothing, {lent.id}.__contains__, nothing, lambda _: None)
        assert found == Serve(expected.id, StartKind.WARM)
        busy(world, expected.id, "f")
