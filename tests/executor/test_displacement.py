"""What a call on a full GPU does to the models that are there."""

from dataclasses import replace

import pytest

from executor import events as ev
from executor.actions import Load, Run
from executor.displacement import Resident, for_call, make_room
from executor.domain import Instance, ResidencyState, StartKind, Tier, Worker
from executor.state import State
from executor.units import MIB
from tests.executor.simulation import RUN_S, Simulation, settings
from tests.executor.worlds import function, idle_instance, on_gpu

MOVE_S = 0.5
READY_S = 1.0
F, G, H = (on_gpu(function(name, owner=name, mib=50), gpu_mib=400) for name in "fgh")
LOSS_S = {"f": 3.0, "g": 1.0, "h": 2.0}


def world(gpu_mib: int = 1000) -> tuple[State, dict[str, Instance]]:
    """Have f and g on the GPU, in instances of their own, and h nowhere in its own."""
    made = State([F, G, H], [Worker("w", 3000 * MIB, {"k": gpu_mib * MIB})])
    instances = {name: idle_instance(made, name) for name in "fgh"}
    for name in "fg":
        made.loading(instances[name].id, name, Tier.GPU)
        made.loaded(instances[name].id, name, Tier.GPU, 50 * MIB)
    return made, instances


def displaced(made: State, instance: Instance) -> list[str] | None:
    found = for_call(made, instance, H, frozenset(), LOSS_S.__getitem__)
    return None if found is None else [one.function for one in found]


def test_the_least_valuable_model_gives_way_on_a_full_gpu() -> None:
    made, instances = world()
    assert displaced(made, instances["h"]) == ["g"]


def test_where_there_is_room_none_does() -> None:
    made, instances = world(gpu_mib=1200)
    assert displaced(made, instances["h"]) == []


def test_as_many_as_are_needed_and_no_more() -> None:
    made, instances = world()
    made.gpus_measured({"k": 500 * MIB})
    assert displaced(made, instances["h"]) == ["g", "f"]


def test_what_is_leaving_already_counts_as_room() -> None:
    made, instances = world()
    made.loading(instances["f"].id, "f", Tier.HOST)
    assert made.free_gpu_bytes("k") == 200 * MIB
    assert displaced(made, instances["h"]) == []


def test_what_serves_calls_stays_and_the_call_is_served_from_memory() -> None:
    made, instances = world()
    for name in "fg":
        made.run(Run(name, instances[name].id, name, Tier.GPU, 60.0), 0.0)
    assert displaced(made, instances["h"]) is None


def test_without_use_for_a_gpu_or_without_one_a_call_stays_in_memory() -> None:
    made, instances = world()
    plain = replace(H, profile=replace(H.profile, gpu=None))
    assert for_call(made, instances["h"], plain, frozenset(), LOSS_S.__getitem__) is None
    assert displaced(made, instances["h"]._replace(gpu=None)) is None


def test_what_shall_be_spared_is() -> None:
    made, instances = world()
    spared = {Resident(instances["g"].id, "g")}
    found = make_room(made, "k", 400 * MIB, LOSS_S.__getitem__, spared=spared)
    assert found == [Resident(instances["f"].id, "f")]


def simulation(gpu_mib: int, **options: bool) -> Simulation:
    return Simulation([F, G], settings(**options), worker_mib=2000, gpus={"k": gpu_mib * MIB})


def test_a_call_goes_to_the_gpu_and_the_next_one_starts_there() -> None:
    made = simulation(1000, preload=False)
    first, second = made.call("f", 0.0), made.call("f", 10.0)
    made.run(20.0)
    assert made.served(first).timings.loading_s == pytest.approx(READY_S + MOVE_S)
    assert made.served(second).start_kind is StartKind.GPU
    assert made.served(second).timings.loading_s == pytest.approx(0.0)


def test_on_a_full_gpu_the_other_model_goes_to_memory_and_stays_there() -> None:
    made = simulation(500, preload=False)
    made.call("f", 0.0)
    made.call("g", 10.0)
    back = made.call("f", 20.0)
    made.run(19.0)
    held = {
        name: one.tier
        for instance in made.controller.state.instances.values()
        for name, one in instance.residencies.items()
    }
    assert held == {"f": Tier.HOST, "g": Tier.GPU}
    made.run(30.0)
    assert made.served(back).start_kind is StartKind.HOST
    assert made.served(back).timings.loading_s == pytest.approx(MOVE_S)
    assert [one.function for one in made.loads()] == ["f", "g"]


def test_a_plan_moves_models_and_never_takes_them_away_for_that() -> None:
    made = simulation(500)
    for at_s in (0.0, 20.0, 40.0):
        made.call("f", at_s)
    made.call("g", 30.0)
    made.run(100.0)
    states = [
        residency
        for instance in made.controller.state.instances.values()
        for residency in instance.residencies.values()
    ]
    assert all(one.state is ResidencyState.READY for one in states)
    assert made.controller.state.free_gpu_bytes("k") >= 0
    loaded = [event for event, _ in made.log if isinstance(event, ev.LoadFailed | ev.Offloaded)]
    assert not loaded


def test_an_unhealthy_gpu_holds_nothing_and_its_models_go_to_memory() -> None:
    made = simulation(1000)
    made.call("f", 0.0)
    made.run(5.0)
    made.engine.deliver(ev.GpusMeasured(made.timer.now_s(), {"k": 0}))
    made.run(10.0)
    (move,) = [one for one in made.loads() if one.tier is Tier.HOST]
    assert move.function == "f"
    call = made.call("f", 20.0)
    made.run(30.0 + RUN_S)
    assert made.served(call).start_kind is StartKind.HOST
    assert [one.tier for one in made.runs()] == [Tier.GPU, Tier.HOST]


def test_a_load_that_finds_no_room_on_the_gpu_is_not_asked_for_again_at_once() -> None:
    made = simulation(1000)
    made.call("f", 0.0)
    made.run(5.0)
    (instance,) = made.controller.state.instances.values()
    report = ev.LoadReport(0.7, 0.3, 50 * MIB)
    made.controller.state.loading(instance.id, "f", Tier.GPU)
    actions = made.controller.step(
        ev.Loaded(made.timer.now_s(), instance.id, "f", Tier.HOST, report)
    )
    assert not [one for one in actions if isinstance(one, Load)]
