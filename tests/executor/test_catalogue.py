from dataclasses import replace

import pytest

from executor.catalogue import LEARNING_RATE, Catalogue
from executor.domain import Function, GpuProfile, Profile, Tier
from executor.events import LoadReport
from executor.units import MIB

GUESS = Profile(1.0, 2.0, 100 * MIB, gpu=GpuProfile(50 * MIB, 300 * MIB, 0.5))


def catalogue() -> Catalogue:
    return Catalogue([Function("f", "ann", 400 * MIB, GUESS), Function("g", "bob", MIB, GUESS)])


def report(seconds: float, mib: int) -> LoadReport:
    return LoadReport(seconds, 2 * seconds, mib * MIB, library_bytes=7)


def test_functions_are_found_by_name_and_by_position() -> None:
    known = catalogue()
    assert list(known.functions) == ["f", "g"]
    assert known.index == {"f": 0, "g": 1}


def test_what_is_learned_is_in_the_columns() -> None:
    known = catalogue()
    known.learn("g", report(5.0, 80))
    assert known.columns.ready_s.tolist() == [3.0, 15.0]
    assert known.columns.memory_bytes.tolist() == [100 * MIB, 80 * MIB]
    known.needs("g", 90 * MIB)
    known.learn("g", report(5.0, 70), Tier.GPU)
    assert known.columns.memory_bytes[1] == 90 * MIB
    assert known.columns.gpu_host_bytes.tolist() == [100 * MIB, 90 * MIB]
    known.learn("g", report(5.0, 95), Tier.GPU)
    assert known.columns.gpu_host_bytes[1] == 95 * MIB


def test_a_guess_gives_way_to_the_first_measurement_at_once() -> None:
    known = catalogue()
    known.learn("f", report(5.0, 80))
    assert known.functions["f"].profile == Profile(5.0, 10.0, 80 * MIB, 7, GUESS.gpu)
    assert known.functions["g"].profile == GUESS


def test_later_times_are_averaged_and_the_footprint_is_the_largest() -> None:
    known = catalogue()
    known.learn("f", report(5.0, 80))
    known.learn("f", report(6.0, 70))
    profile = known.functions["f"].profile
    assert profile.import_s == pytest.approx(5.0 + LEARNING_RATE)
    assert profile.load_s == pytest.approx(10.0 + 2 * LEARNING_RATE)
    assert profile.memory_bytes == 80 * MIB


def test_a_load_to_a_gpu_teaches_its_times_the_move_and_what_it_takes_of_memory_meanwhile() -> None:
    known = catalogue()
    known.learn("f", report(5.0, 80)._replace(move_s=1.5), Tier.GPU)
    profile = known.functions["f"].profile
    assert profile.gpu is not None
    assert profile.gpu.memory_bytes == 80 * MIB
    assert profile.gpu.move_s == pytest.approx(0.5 + LEARNING_RATE)
    assert (profile.import_s, profile.memory_bytes) == (5.0, 100 * MIB)


def test_a_move_teaches_nothing_of_loads() -> None:
    known = catalogue()
    known.learn_move("f", report(5.0, 80)._replace(move_s=0.5))
    profile = known.functions["f"].profile
    assert profile == replace(GUESS, gpu=GpuProfile(80 * MIB, 300 * MIB, 0.5))


def test_only_a_measured_footprint_grows_with_what_is_held() -> None:
    known = catalogue()
    known.needs("f", 200 * MIB)
    assert known.functions["f"].profile.memory_bytes == 100 * MIB
    known.learn("f", report(5.0, 80))
    known.needs("f", 200 * MIB)
    known.needs("f", 150 * MIB)
    assert known.functions["f"].profile.memory_bytes == 200 * MIB
