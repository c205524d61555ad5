from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from executor.actions import Load, Offload
from executor.domain import Function, Instance, InstanceState, ResidencyState, Tier
from executor.planner import Wish, capacity_bytes
from executor.reconcile import Budget, Drift, Room, diff, lacking
from executor.units import MIB
from tests.executor.worlds import function, on_gpu, with_residents

NAMES = "fghijk"
FUNCTIONS = {name: function(name, mib=100) for name in NAMES}
LOTS = Budget(loads_per_worker=99)


def instance(*held: str, id_: str = "i1", limit_mib: int = 400) -> Instance:
    empty = Instance(id_, "w", "ann", "f", limit_mib * MIB, InstanceState.IDLE, 0.0)
    return with_residents(empty, *(FUNCTIONS[name] for name in held))


def wish(name: str, worth_s: float = 1.0, id_: str = "i1") -> Wish:
    return Wish(id_, name, Tier.HOST, worth_s)


def by_instance(wishes: list[Wish]) -> dict[str, list[Wish]]:
    found: dict[str, list[Wish]] = {}
    for one in wishes:
        found.setdefault(one.instance_id, []).append(one)
    return found


def run(
    wishes: list[Wish],
    *instances: Instance,
    functions: dict[str, Function] = FUNCTIONS,
    budget: Budget = LOTS,
    loading: int = 0,
) -> list[Load | Offload]:
    here = {one.id: one for one in instances}
    return diff(by_instance(wishes), here, functions, budget, Room({"w": loading})).actions


def test_what_is_there_as_wished_needs_nothing() -> None:
    assert run([wish("f")], instance("f")) == []


def test_missing_functions_are_loaded_most_worth_first() -> None:
    actions = run([wish("f", 1.0), wish("g", 2.0)], instance())
    assert actions == [Load("i1", "g", Tier.HOST), Load("i1", "f", Tier.HOST)]


def test_an_unwished_resident_stays_while_there_is_room() -> None:
    assert run([wish("f")], instance("g")) == [Load("i1", "f", Tier.HOST)]


def test_room_is_made_first_and_the_load_waits_for_it() -> None:
    full = instance("g", "h", "i", "j")
    assert run([wish("f")], full) == [Offload("i1", "g")]


def test_only_as_many_go_as_the_wishes_need() -> None:
    full = instance("g", "h", "i", "j")
    actions = run([wish("f"), wish("k"), wish("g")], full)
    assert [one.function for one in actions if isinstance(one, Offload)] == ["h", "i"]


def test_memory_on_its_way_out_counts_neither_as_free_nor_again() -> None:
    full = instance("g", "h", "i", "j")
    leaving = full.residencies["g"]._replace(state=ResidencyState.OFFLOADING)
    assert run([wish("f")], full._replace(residencies={**full.residencies, "g": leaving})) == []


def test_the_budget_bounds_loads_under_way() -> None:
    loading = instance("g")
    held = loading.residencies["g"]._replace(state=ResidencyState.LOADING)
    loading = loading._replace(residencies={"g": held})
    wishes = [wish("g"), wish("f")]
    assert run(wishes, loading, budget=Budget(loads_per_worker=1), loading=1) == []
    assert len(run(wishes, loading, budget=Budget(loads_per_worker=2), loading=1)) == 1


def test_what_the_budget_holds_up_is_named() -> None:
    wishes = [wish("f", 1.0), wish("g", 2.0, id_="i2")]
    here = {one.id: one for one in (instance(), instance(id_="i2"))}
    drift = diff(by_instance(wishes), here, FUNCTIONS, Budget(loads_per_worker=1), Room({"w": 0}))
    assert drift.actions == [Load("i2", "g", Tier.HOST)]
    assert drift.held_up == ["i1"]


def test_busy_gone_and_forbidden_targets_are_passed_over() -> None:
    busy = instance()._replace(state=InstanceState.BUSY)
    assert run([wish("f")], busy) == []
    assert run([wish("f", id_="i9")], instance()) == []
    assert run([wish("f")], instance(), functions={}) == []


def test_library_bytes_count_once_in_an_instance() -> None:
    shared = {
        name: replace(one, library="torch", profile=replace(one.profile, library_bytes=150 * MIB))
        for name, one in FUNCTIONS.items()
    }
    actions = run([wish("f"), wish("g"), wish("h")], instance(), functions=shared)
    assert len(actions) == 2


@given(
    held=st.sets(st.sampled_from(NAMES), max_size=4),
    wished=st.sets(st.sampled_from(NAMES), max_size=4),
    slots=st.integers(1, 4),
)
def test_following_it_ends_with_every_wish_granted(
    held: set[str], wished: set[str], slots: int
) -> None:
    here = instance(*sorted(held))
    wishes = [wish(name) for name in sorted(wished)]
    for _ in range(20):
        actions = run(wishes, here, budget=Budget(loads_per_worker=slots))
        if not actions:
            break
        names = set(here.residencies)
        for action in actions:
            match action:
                case Load():
                    names.add(action.function)
                case Offload():
                    names.discard(action.function)
        here = instance(*sorted(names))
        taken = sum(one.memory_bytes for one in here.residencies.values())
        assert taken <= capacity_bytes(here, 0)
    assert wished <= set(here.residencies)
    assert run(wishes, here) == []


ON_GPU = {name: on_gpu(one, gpu_mib=100) for name, one in FUNCTIONS.items()}


def tiers(gpu_mib: int, wishes: dict[str, Tier], held: dict[str, Tier]) -> Drift:
    """Compare wishes with what is held, with so much of the GPU free."""
    here = instance(*held)._replace(gpu="k")
    placed = {name: here.residencies[name]._replace(tier=tier) for name, tier in held.items()}
    here = here._replace(residencies=placed)
    wanted = [wish(name)._replace(tier=tier) for name, tier in wishes.items()]
    room = Room({"w": 0}, {"k": gpu_mib * MIB})
    return diff(by_instance(wanted), {"i1": here}, ON_GPU, Budget(loads_per_worker=2), room)


def test_another_tier_is_a_move_and_neither_an_offload_nor_a_second_load() -> None:
    for now, then in ((Tier.HOST, Tier.GPU), (Tier.GPU, Tier.HOST)):
        assert tiers(100, {"f": then}, {"f": now}).actions == [Load("i1", "f", then)]


def test_room_on_a_gpu_is_given_out_once_and_what_lacks_it_waits() -> None:
    drift = tiers(150, {"f": Tier.GPU, "g": Tier.GPU}, {"f": Tier.HOST})
    assert len(drift.actions) == 1
    assert drift.held_up == ["i1"]
    assert drift.lacking_bytes == {"k": 100 * MIB}


def test_moves_to_memory_wait_for_no_budget() -> None:
    names = "fghi"
    drift = tiers(0, dict.fromkeys(names, Tier.HOST), dict.fromkeys(names, Tier.GPU))
    assert [one.function for one in drift.actions] == list(names)


def test_what_is_moving_is_left_to_arrive() -> None:
    here = instance("f")._replace(gpu="k")
    moving = here.residencies["f"]._replace(state=ResidencyState.MOVING)
    here = here._replace(residencies={"f": moving})
    assert not lacking(here, [wish("f")._replace(tier=Tier.GPU)])
