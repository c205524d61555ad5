"""The machine step by step; what may happen in any order is in the stateful tests."""

from dataclasses import replace

from executor.proxy.commands import Command, Drop, Kill, Move, Send, Spawn, Tell
from executor.proxy.machine import Machine
from executor.proxy.outcomes import (
    Failed,
    Loaded,
    LoadFailed,
    LoadReport,
    Measured,
    Offloaded,
    Started,
)
from executor.proxy.residency import Need, Tier

ROOM_BYTES = 100
REPORT = LoadReport(0.1, 0.2)
SHARING = Need(20, "l", 40)


def machine_with(function: str, need: Need) -> Machine:
    """Make a machine that has a function loaded."""
    machine = Machine(ROOM_BYTES + 7, base_bytes=7)
    assert machine.load(function, need) == [Spawn(function)]
    machine.ready(function, REPORT)
    return machine


def offload(machine: Machine, function: str) -> list[Command]:
    assert machine.offload(function) == [Kill(function)]
    return machine.exited(function, "killed", clean=False)


def test_the_second_function_of_a_library_adds_only_its_own_bytes() -> None:
    machine = machine_with("f", SHARING)
    assert machine.load("g", Need(40, "l", 40)) == [Spawn("g")]
    (refusal,) = machine.load("h", Need(1, "l", 40))
    assert isinstance(refusal, Tell)
    assert isinstance(refusal.outcome, LoadFailed)
    assert "lacks 1" in refusal.outcome.error


def test_a_library_stays_for_the_next_function() -> None:
    machine = machine_with("f", SHARING)
    offload(machine, "f")
    assert "l" in machine.shelf.libraries
    assert machine.load("g", Need(60, "l", 40)) == [Spawn("g")]


def test_a_load_waits_until_an_unused_library_has_made_room() -> None:
    machine = machine_with("f", SHARING)
    offload(machine, "f")
    assert machine.load("g", Need(61)) == [Drop("l")]
    assert machine.dropped("l") == [Spawn("g")]


def test_a_call_drops_an_unused_library_before_it_gives_up_what_it_keeps() -> None:
    machine = machine_with("f", SHARING)
    offload(machine, "f")
    machine.load("g", Need(30))
    machine.ready("g", REPORT)
    assert machine.run("c", "h", frozenset("g"), Need(50)) == [Drop("l")]
    assert machine.dropped("l") == [Spawn("h")]


def test_a_function_waits_for_its_own_library_to_be_gone_and_comes_with_a_new_one() -> None:
    machine = machine_with("f", SHARING)
    offload(machine, "f")
    machine.load("g", Need(61))
    assert machine.load("h", Need(1, "l", 2)) == []
    assert machine.dropped("l") == [Spawn("g"), Spawn("h")]
    assert machine.shelf.libraries["l"].memory_bytes == 2


def test_over_the_limit_an_unused_library_goes_before_any_function() -> None:
    machine = machine_with("f", SHARING)
    offload(machine, "f")
    machine.load("g", Need(30))
    machine.ready("g", REPORT)
    measured, drop = machine.measured({"g": 61}, {"l": 40})
    assert measured == Tell(Measured({"g": 61}, {"l": 40}))
    assert drop == Drop("l")


def test_stopping_drops_the_libraries_when_their_functions_are_gone() -> None:
    machine = machine_with("f", SHARING)
    assert machine.stop() == [Kill("f")]
    assert not machine.stopped
    assert machine.exited("f", "killed", clean=False)[-1] == Drop("l")
    machine.dropped("l")
    assert machine.stopped


def test_a_load_to_the_gpu_is_told_only_when_the_function_is_there() -> None:
    machine = Machine(ROOM_BYTES, base_bytes=0)
    assert machine.load("f", Need(1), Tier.GPU) == [Spawn("f")]
    assert machine.ready("f", REPORT) == [Move("f", Tier.GPU)]
    there = replace(REPORT, move_s=0.3)
    assert machine.moved("f", Tier.GPU, 0.3) == [Tell(Loaded("f", Tier.GPU, there))]


def test_a_move_asked_for_during_a_run_is_made_afterwards() -> None:
    machine = machine_with("f", Need(1))
    machine.run("c", "f", frozenset(), Need(1))
    assert machine.load("f", Need(1), Tier.GPU) == []
    machine.answered("f", None)
    assert machine.ready("f", REPORT) == [Move("f", Tier.GPU)]


def test_a_call_waits_until_its_function_is_where_it_shall_run() -> None:
    machine = machine_with("f", Need(1))
    assert machine.run("c", "f", frozenset(), Need(1), Tier.GPU) == [Move("f", Tier.GPU)]
    send, started = machine.moved("f", Tier.GPU, 0.3)
    assert send == Send("f", "c")
    assert started == Tell(Started("c", "f", Tier.GPU, None))


def test_nothing_goes_to_the_gpu_for_a_call_before_the_others_are_gone() -> None:
    machine = machine_with("f", Need(1))
    machine.load("g", Need(1))
    machine.ready("g", REPORT)
    assert machine.run("c", "f", frozenset(), Need(1), Tier.GPU) == [Kill("g")]
    gone, move = machine.exited("g", "killed", clean=False)
    assert gone == Tell(Offloaded("g", None))
    assert move == Move("f", Tier.GPU)


def test_a_change_of_mind_on_the_way_is_followed_and_answers_both() -> None:
    machine = machine_with("f", Need(1))
    assert machine.load("f", Need(1), Tier.GPU) == [Move("f", Tier.GPU)]
    assert machine.load("f", Need(1), Tier.HOST) == []
    assert machine.moved("f", Tier.GPU, 0.3) == [Move("f", Tier.HOST)]
    back = Tell(Loaded("f", Tier.HOST, replace(REPORT, move_s=0.3)))
    assert machine.moved("f", Tier.HOST, 0.1) == [back, back]


def test_a_function_that_cannot_move_goes_and_fails_who_waits_for_it() -> None:
    machine = machine_with("f", Need(1))
    machine.load("f", Need(1), Tier.GPU)
    assert machine.stayed("f", "out of memory") == [Kill("f")]
    failed, gone = machine.exited("f", "killed", clean=False)
    assert failed == Tell(LoadFailed("f", "out of memory", blame=True))
    assert gone == Tell(Offloaded("f", "out of memory"))


def test_a_call_fails_when_its_function_does_not_arrive_in_time() -> None:
    machine = machine_with("f", Need(1))
    machine.run("c", "f", frozenset(), Need(1), Tier.GPU)
    assert machine.overdue("f", "too slow") == [Kill("f")]
    (failed, *_) = machine.exited("f", "killed", clean=False)
    assert failed == Tell(Failed("c", "load", "too slow"))
