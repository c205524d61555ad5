import pytest

from executor.actions import Run
from executor.domain import Residency, ResidencyState, Tier
from executor.residencies import after_run, during, measured, ordered, residency
from executor.units import MIB
from tests.executor.worlds import function, on_gpu

LOADING, READY, MOVING = ResidencyState.LOADING, ResidencyState.READY, ResidencyState.MOVING
RUNNING, OFFLOADING = ResidencyState.RUNNING, ResidencyState.OFFLOADING
F, G = function("f", mib=100), function("g", mib=150)


def held(*states: tuple[str, ResidencyState]) -> dict[str, Residency]:
    return {name: residency(function(name), Tier.HOST, state) for name, state in states}


def test_a_load_is_planned_with_what_the_function_is_known_to_take() -> None:
    planned = Residency("f", Tier.HOST, LOADING, 100 * MIB)
    assert ordered(F, Tier.HOST, None) == planned


@pytest.mark.parametrize("state", [READY, MOVING])
def test_a_move_holds_what_either_tier_takes_until_it_is_over(state: ResidencyState) -> None:
    one = on_gpu(F, gpu_mib=300)
    moving = ordered(one, Tier.GPU, residency(one, Tier.HOST, state))
    assert moving.state is MOVING
    assert (moving.memory_bytes, moving.gpu_memory_bytes) == (100 * MIB, 300 * MIB)


def test_a_load_in_place_of_what_is_going_is_no_move() -> None:
    assert ordered(F, Tier.HOST, residency(F, Tier.HOST, OFFLOADING)).state is LOADING


def test_a_run_keeps_what_it_names_and_lets_all_else_go() -> None:
    run = Run("c", "i", "f", Tier.HOST, 60.0, frozenset({"h"}))
    now = during(run, F, held(("f", READY), ("g", READY), ("h", READY)))
    assert {name: one.state for name, one in now.items()} == {
        "g": OFFLOADING,
        "h": READY,
        "f": RUNNING,
    }


def test_what_ran_is_ready_and_what_goes_still_goes() -> None:
    now = after_run(held(("f", RUNNING), ("g", OFFLOADING)))
    assert {name: one.state for name, one in now.items()} == {"f": READY, "g": OFFLOADING}


def test_a_measurement_counts_and_what_was_not_measured_stays() -> None:
    functions = {name: function(name) for name in "fg"}
    now = measured(held(("f", READY), ("g", READY)), functions, {"f": 7})
    assert now["f"].memory_bytes == 7
    assert now["g"].memory_bytes == function("g").profile.memory_bytes


def test_on_a_gpu_room_is_kept_in_memory_for_the_way_back() -> None:
    there = residency(on_gpu(function("f", mib=100), gpu_mib=1), Tier.GPU, READY)
    home_bytes = function("f", mib=100).profile.memory_bytes
    assert there.memory_bytes == home_bytes
    functions = {"f": function("f", mib=100)}
    assert measured({"f": there}, functions, {"f": 7})["f"].memory_bytes == home_bytes
    assert measured({"f": there}, functions, {"f": home_bytes + 1})["f"].memory_bytes > home_bytes
