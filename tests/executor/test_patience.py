"""Waiting for a running call in place of loading anew."""

from dataclasses import replace

import pytest

from executor.actions import Offload
from executor.domain import Function, Profile, StartKind
from executor.runtimes.sim_libraries import SimLibrary
from executor.units import MIB
from tests.executor.simulation import RUN_S, START_S, Simulation, settings
from tests.executor.worlds import function

F, G = function("f"), function("g")
READY_S = F.profile.ready_s


def world(*, warm_keeps_model: bool = True) -> Simulation:
    """Two idle instances of one owner: ``f`` is loaded in one, ``g`` in the other."""
    made = Simulation([F, G], settings(preload=False, warm_keeps_model=warm_keeps_model))
    for name in "fg":
        made.call(name, 1.0)
    made.run(5.0)
    return made


def test_a_call_waits_for_one_that_soon_leaves_its_function_loaded() -> None:
    made = world()
    first, second = made.call("f", 10.0), made.call("f", 10.05)
    made.run(20.0)
    assert made.served(second).start_kind is StartKind.HOST
    assert made.served(second).instance_id == made.served(first).instance_id
    assert made.served(second).timings.wait_s == pytest.approx(RUN_S - 0.05)


def test_one_call_waits_for_each_that_runs() -> None:
    made = world()
    made.call("f", 10.0)
    waiting, loading = made.call("f", 10.05), made.call("f", 10.1)
    made.run(20.0)
    assert made.served(waiting).start_kind is StartKind.HOST
    assert made.served(loading).start_kind is StartKind.WARM
    assert made.served(loading).timings.wait_s == 0.0


def test_a_call_waits_for_one_that_still_loads_if_that_ends_sooner() -> None:
    made = world()
    made.call("g", 10.0)
    made.runtime.submit(Offload("i1", "f"))
    made.run(11.0)
    loading = made.call("f", 11.0)
    soon, late = made.call("f", 11.0 + 0.1), made.call("f", 11.0 + RUN_S + 0.1)
    made.run(20.0)
    assert made.served(loading).start_kind is StartKind.WARM
    assert made.served(soon).start_kind is StartKind.WARM
    assert made.served(late).start_kind is StartKind.HOST


def test_no_call_waits_where_functions_are_loaded_anew_for_each() -> None:
    made = world(warm_keeps_model=False)
    made.call("f", 10.0)
    second = made.call("f", 10.0 + READY_S + 0.05)
    made.run(20.0)
    assert made.served(second).start_kind is StartKind.WARM
    assert made.served(second).timings.wait_s == 0.0


def test_a_call_that_waited_for_one_that_died_is_served_elsewhere() -> None:
    made = world()
    made.call("f", 10.0)
    waiting = made.call("f", 10.05)
    made.run(10.1)
    made.runtime.kill("i1")
    made.run(20.0)
    assert made.served(waiting).instance_id != "i1"


def test_a_call_waits_no_longer_for_one_that_takes_longer_than_they_do() -> None:
    made = world()
    made.call("f", 10.0)
    made.run(10.01)
    made.run_s["f"] = 20.0
    stuck = made.call("f", 10.3)
    made.run(10.4)
    waiting = made.call("f", 10.45)
    made.run(40.0)
    assert made.served(stuck).timings.run_s == 20.0
    assert made.served(waiting).start_kind is StartKind.WARM
    assert made.served(waiting).timings.wait_s == pytest.approx(2 * RUN_S - 0.15)


TORCH = SimLibrary("torch", import_s=1.3, memory_bytes=200 * MIB)
FORKED = Profile(0.03, 0.02, 100 * MIB, library_bytes=TORCH.memory_bytes)


def sharing(run_s: float) -> Simulation:
    """An instance of one owner that has imported the library of all its functions for ``f``."""

    def forked(name: str) -> Function:
        return replace(function(name), profile=FORKED, library=TORCH.name)

    made = Simulation(
        [forked(name) for name in "fgh"],
        settings(preload=False),
        worker_mib=3000,
        libraries=dict.fromkeys("fgh", TORCH),
    )
    made.run_s["f"] = run_s
    made.call("f", 1.0)
    made.run(9.0)
    return made


def test_a_call_waits_for_one_that_ends_sooner_than_its_library_is_imported_elsewhere() -> None:
    made = sharing(run_s=START_S + 0.3)
    made.call("f", 10.0)
    waiting = made.call("g", 10.1)
    made.run(20.0)
    assert made.served(waiting).start_kind is StartKind.LIBRARY
    assert made.served(waiting).instance_id == "i1"
    assert made.served(waiting).timings.wait_s == pytest.approx(START_S + 0.3 - 0.1)


def test_a_call_imports_its_library_where_no_other_call_ends_sooner() -> None:
    made = sharing(run_s=5.0)
    made.call("f", 10.0)
    importing = made.call("g", 10.1)
    made.run(20.0)
    assert made.served(importing).instance_id == "i2"
    assert made.served(importing).timings.wait_s == pytest.approx(START_S)


def test_one_call_waits_for_each_that_runs_with_its_library() -> None:
    made = sharing(run_s=START_S + 0.3)
    made.call("f", 10.0)
    waiting, importing = made.call("g", 10.1), made.call("h", 10.1)
    made.run(20.0)
    assert made.served(waiting).instance_id == "i1"
    assert made.served(importing).instance_id in ("i2", "i3")
    assert made.served(importing).timings.wait_s == pytest.approx(START_S)
