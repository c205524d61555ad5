import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.errors import InsufficientCapacity
from executor.gpu.ledger import Ledger
from executor.gpu.usage import Usage

GPU = "GPU-1"


def usage(used: int = 0, **processes: int | None) -> Usage:
    return Usage(100, 10, used, {int(name[1:]): size for name, size in processes.items()})


def ledger(used: int = 0, margin: int = 5) -> Ledger:
    one = Ledger(margin)
    one.reconcile(GPU, usage(used), {})
    return one


def test_the_budget_is_what_driver_margin_and_other_programs_leave() -> None:
    one = ledger(used=20)
    assert one.foreign_bytes(GPU) == 20
    assert one.budget_bytes(GPU) == one.free_bytes(GPU) == 65


def test_what_our_processes_hold_is_not_foreign() -> None:
    one = ledger()
    one.reconcile(GPU, usage(50, p1=30, p2=5, p3=15), {"i1": [1, 2]})
    assert one.foreign_bytes(GPU) == 15
    assert one.budget_bytes(GPU) == 70
    assert one.free_bytes(GPU) == 35


def test_a_reservation_is_taken_before_anything_is_seen_of_the_load() -> None:
    one = ledger()
    one.reserve(GPU, "i1", "f", 60)
    assert one.free_bytes(GPU) == 25
    with pytest.raises(InsufficientCapacity, match="g needs 26 bytes of GPU GPU-1; 25 are free"):
        one.reserve(GPU, "i1", "g", 26)
    assert one.free_bytes(GPU) == 25


def test_a_load_is_charged_in_full_until_it_is_over_and_then_what_is_seen() -> None:
    one = ledger()
    one.reserve(GPU, "i1", "f", 60)
    one.reconcile(GPU, usage(20, p1=20), {"i1": [1]})
    assert one.free_bytes(GPU) == 25
    one.settle(GPU, "i1", "f")
    assert one.free_bytes(GPU) == 65


def test_a_function_that_takes_more_than_reserved_is_charged_for_it() -> None:
    one = ledger()
    one.reserve(GPU, "i1", "f", 10)
    one.reconcile(GPU, usage(40, p1=40), {"i1": [1]})
    assert one.free_bytes(GPU) == 45


def test_what_is_released_stays_charged_while_it_is_seen() -> None:
    one = ledger()
    one.reserve(GPU, "i1", "f", 30)
    one.settle(GPU, "i1", "f")
    one.reconcile(GPU, usage(30, p1=30), {"i1": [1]})
    one.release(GPU, "i1", "f")
    assert one.free_bytes(GPU) == 55
    one.reconcile(GPU, usage(0), {"i1": []})
    assert one.free_bytes(GPU) == 85
    assert one.seen_bytes(GPU, "i1") == 0


def test_where_the_driver_does_not_tell_loaded_functions_hold_what_they_reserved() -> None:
    one = ledger()
    one.reserve(GPU, "i1", "f", 30)
    one.settle(GPU, "i1", "f")
    one.reconcile(GPU, usage(45, p1=None, p2=None), {"i1": [1]})
    assert one.seen_bytes(GPU, "i1") is None
    assert one.foreign_bytes(GPU) == 15
    assert one.free_bytes(GPU) == 40


def test_a_new_reservation_replaces_the_old_one_unless_it_does_not_fit() -> None:
    one = ledger()
    one.reserve(GPU, "i1", "f", 80)
    one.reserve(GPU, "i1", "f", 82)
    assert one.free_bytes(GPU) == 3
    with pytest.raises(InsufficientCapacity):
        one.reserve(GPU, "i1", "f", 86)
    assert one.free_bytes(GPU) == 3


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("fg"), st.integers(0, 60))),
    st.integers(0, 120),
)
def test_reservations_never_exceed_the_budget(
    orders: list[tuple[str, str, int]], used: int
) -> None:
    one = ledger(used=min(used, 90))
    budget = one.budget_bytes(GPU)
    held: dict[tuple[str, str], int] = {}
    for instance, function, size in orders:
        try:
            one.reserve(GPU, instance, function, size)
            held[instance, function] = size
        except InsufficientCapacity:
            pass
        assert sum(held.values()) <= budget
        assert one.free_bytes(GPU) == budget - sum(held.values())


def test_what_makes_room_for_another_in_its_instance_is_nobody_elses_until_it_is_gone() -> None:
    one = ledger()
    one.reserve(GPU, "i1", "f", 60)
    one.settle(GPU, "i1", "f")
    one.reserve(GPU, "i1", "g", 40, leaving={"f"})
    assert one.free_bytes(GPU) == 25
    one.release(GPU, "i1", "f")
    assert one.free_bytes(GPU) == 45


def test_what_makes_room_may_be_less_than_what_comes() -> None:
    one = ledger()
    one.reserve(GPU, "i1", "f", 40)
    one.settle(GPU, "i1", "f")
    with pytest.raises(InsufficientCapacity):
        one.reserve(GPU, "i1", "g", 86, leaving={"f"})
    one.reserve(GPU, "i1", "g", 85, leaving={"f"})
    assert one.free_bytes(GPU) == 0
