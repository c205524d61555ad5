from dataclasses import replace

import pytest

from executor import events as ev
from executor.actions import CancelRun, Load, Offload, Run, StopInstance
from executor.domain import (
    NOBODY,
    Function,
    Instance,
    InstanceState,
    Isolation,
    StartKind,
    stem_name,
)
from executor.errors import (
    Cancelled,
    DeadlineExceeded,
    FunctionFailed,
    InvocationError,
    Rejected,
    UnknownFunction,
)
from executor.events import FailureKind
from tests.executor.simulation import RUN_S, START_S, Simulation, settings
from tests.executor.worlds import function, with_residents

F, G, H = (function(name) for name in "fgh")
READY_S = F.profile.ready_s


def error(world: Simulation, id_: str) -> InvocationError:
    outcome = world.finished[id_].outcome
    assert isinstance(outcome, InvocationError)
    return outcome


def test_the_first_call_starts_an_instance_and_loads() -> None:
    world = Simulation([F])
    call = world.call("f", 1.0)
    world.run(10.0)
    served = world.served(call)
    assert served.start_kind is StartKind.COLD
    assert served.timings.wait_s == pytest.approx(START_S)
    assert served.timings.loading_s == pytest.approx(READY_S)
    assert served.timings.run_s == pytest.approx(RUN_S)


def test_a_model_that_stays_loaded_serves_the_next_call_at_once() -> None:
    world = Simulation([F], settings(preload=False))
    world.call("f", 1.0)
    second = world.call("f", 10.0)
    world.run(20.0)
    assert world.served(second).start_kind is StartKind.HOST
    assert world.served(second).timings.loading_s == 0.0


def test_without_keeping_models_each_call_loads_anew() -> None:
    world = Simulation([F], settings(preload=False, warm_keeps_model=False))
    world.call("f", 1.0)
    second = world.call("f", 10.0)
    world.run(20.0)
    assert world.served(second).start_kind is StartKind.WARM
    assert world.served(second).timings.loading_s == pytest.approx(READY_S)


def test_preloading_puts_the_model_back_before_the_next_call() -> None:
    world = Simulation([F], settings(warm_keeps_model=False))
    for at_s in (1.0, 10.0, 20.0):
        last = world.call("f", at_s)
    world.run(30.0)
    assert world.loads()
    assert world.served(last).start_kind is StartKind.HOST


def test_functions_of_one_owner_are_preloaded_into_each_others_instances() -> None:
    world = Simulation([F, G], worker_mib=400)
    world.call("f", 1.0)
    world.call("g", 10.0)
    last = world.call("f", 20.0)
    world.run(30.0)
    assert len(world.starts()) == 1
    assert world.served(last).start_kind is StartKind.HOST


def test_another_owners_instance_is_never_used() -> None:
    bobs = function("b", owner="bob")
    world = Simulation([F, bobs])
    for at_s in (1.0, 5.0, 9.0):
        world.call("f", at_s)
        world.call("b", at_s + 0.5)
    world.run(30.0)
    owners = {start.instance_id: start.owner for start in world.starts()}
    for action in world.actions:
        if isinstance(action, Run | Load):
            assert owners[action.instance_id] == ("bob" if action.function == "b" else "ann")


def test_a_call_removes_the_others_from_its_instance_and_they_come_back() -> None:
    world = Simulation([F, G], worker_mib=400)
    world.call("f", 1.0)
    world.call("g", 5.0)
    world.run(9.0)
    (instance,) = world.controller.state.instances.values()
    assert set(instance.residencies) == {"f", "g"}
    world.call("f", 10.0)
    world.run(10.1)
    (instance,) = world.controller.state.instances.values()
    assert set(instance.residencies) == {"f"}
    world.run(15.0)
    (instance,) = world.controller.state.instances.values()
    assert set(instance.residencies) == {"f", "g"}


def test_functions_that_share_stay_beside_each_other() -> None:
    sharing = [replace(one, isolation=Isolation.SHARE) for one in (F, G)]
    world = Simulation(sharing, worker_mib=400)
    world.call("f", 1.0)
    world.call("g", 5.0)
    world.run(9.0)
    world.call("f", 10.0)
    world.run(10.1)
    assert world.runs()[-1].keep == {"g"}
    (instance,) = world.controller.state.instances.values()
    assert set(instance.residencies) == {"f", "g"}


def test_idle_instances_end_when_the_policy_says_and_preloading_does_not_prolong_them() -> None:
    with_preload, without = Simulation([F, G]), Simulation([F, G], settings(preload=False))
    for world in (with_preload, without):
        world.call("f", 1.0)
        world.run(200.0)
        stops = [event.at_s for event, did in world.log for one in did if type(one) is StopInstance]
        ended_s = 1.0 + START_S + READY_S + RUN_S
        assert stops == [pytest.approx(ended_s + 60.0)]
        assert not world.controller.state.instances


def test_calls_wait_in_order_when_all_is_busy() -> None:
    world = Simulation([F], worker_mib=400)
    first, second, third = (world.call("f", at_s) for at_s in (1.0, 1.1, 1.2))
    world.run(20.0)
    order = [run.invocation_id for run in world.runs()]
    assert order == [first, second, third]


def test_a_call_that_waits_too_long_ends_at_its_deadline() -> None:
    world = Simulation([F], worker_mib=400)
    world.call("f", 1.0)
    late = world.call("f", 1.1, timeout_s=0.5)
    world.run(20.0)
    assert isinstance(error(world, late), DeadlineExceeded)
    assert len(world.runs()) == 1


def test_a_call_that_runs_too_long_is_stopped() -> None:
    world = Simulation([F])
    call = world.call("f", 1.0, timeout_s=START_S + 0.1)
    world.run(20.0)
    assert isinstance(error(world, call), DeadlineExceeded)


def test_a_full_queue_rejects_with_a_time_to_retry() -> None:
    world = Simulation([F], settings(queue_limit=1), worker_mib=400)
    calls = [world.call("f", 1.0 + number / 100) for number in range(3)]
    world.run(20.0)
    rejected = error(world, calls[2])
    assert isinstance(rejected, Rejected)
    assert rejected.retry_s > 0


def test_memory_is_taken_from_idle_instances_of_others() -> None:
    bobs = function("b", owner="bob")
    world = Simulation([F, bobs], worker_mib=400)
    world.call("f", 1.0)
    second = world.call("b", 10.0)
    world.run(20.0)
    assert world.served(second).start_kind is StartKind.COLD
    assert [one.owner for one in world.starts()] == ["ann", "bob"]


def test_unknown_and_disabled_functions_are_refused() -> None:
    world = Simulation([F])
    unknown = world.call("nobody", 1.0)
    world.timer.at(2.0, lambda: world.engine.deliver(ev.FunctionDisabled(2.0, "f")))
    disabled = world.call("f", 3.0)
    world.timer.at(4.0, lambda: world.engine.deliver(ev.FunctionEnabled(4.0, "f")))
    enabled = world.call("f", 5.0)
    world.run(20.0)
    assert isinstance(error(world, unknown), UnknownFunction)
    assert isinstance(error(world, disabled), UnknownFunction)
    world.served(enabled)


def test_disabling_takes_the_function_away_everywhere() -> None:
    world = Simulation([F])
    world.call("f", 1.0)
    world.run(10.0)
    world.engine.deliver(ev.FunctionDisabled(10.0, "f"))
    world.run(15.0)
    (instance,) = world.controller.state.instances.values()
    assert not instance.residencies
    assert any(isinstance(one, Offload) for one in world.actions)


def test_withdrawing_a_running_call_cancels_it() -> None:
    world = Simulation([F])
    call = world.call("f", 1.0)
    world.run(1.0 + START_S + READY_S + RUN_S / 2)
    world.engine.deliver(ev.Withdrawn(world.timer.now_s(), call))
    world.run(20.0)
    assert any(isinstance(one, CancelRun) for one in world.actions)
    assert isinstance(error(world, call), Cancelled)


def test_withdrawing_a_waiting_call_needs_no_runtime() -> None:
    world = Simulation([F], worker_mib=400)
    world.call("f", 1.0)
    waiting = world.call("f", 1.1)
    world.run(1.2)
    world.engine.deliver(ev.Withdrawn(1.2, waiting))
    world.run(20.0)
    assert isinstance(error(world, waiting), Cancelled)
    assert len(world.runs()) == 1


def test_an_instance_that_dies_before_its_function_has_the_request_loses_no_call() -> None:
    world = Simulation([F])
    call = world.call("f", 1.0)
    world.run(1.0 + START_S + 0.1)
    world.runtime.kill("i1")
    world.run(20.0)
    assert world.served(call).instance_id == "i2"


def test_an_instance_that_dies_in_a_run_fails_that_call_only() -> None:
    world = Simulation([F])
    first = world.call("f", 1.0)
    world.run(1.0 + START_S + READY_S + RUN_S / 2)
    world.runtime.kill("i1")
    second = world.call("f", 10.0)
    world.run(20.0)
    assert isinstance(error(world, first), FunctionFailed)
    world.served(second)


def test_a_function_that_fails_to_load_twice_is_left_alone_for_a_while() -> None:
    world = Simulation([F], settings(preload=False))
    failed = []
    for at_s in (1.0, 1.0 + START_S + 0.2):
        failed.append(world.call("f", at_s))
        world.run(at_s + START_S + 0.1)
        now_s, kind = world.timer.now_s(), FailureKind.LOAD
        world.engine.deliver(ev.Failed(now_s, failed[-1], "i1", kind, "no such file"))
    soon = world.call("f", world.timer.now_s() + 0.2)
    later = world.call("f", 10.0)
    world.run(20.0)
    assert all("no such file" in str(error(world, call)) for call in failed)
    assert isinstance(error(world, soon), Rejected)
    world.served(later)


def test_a_failed_preload_is_not_tried_again_at_once() -> None:
    world = Simulation([F, G], worker_mib=400)
    world.call("g", 1.0)
    world.call("f", 5.0)
    world.run(6.3)
    before = len([one for one in world.loads() if one.function == "g"])
    assert before == 1
    world.engine.deliver(ev.LoadFailed(6.31, "i1", "g", "it crashed", blame=True))
    world.run(6.9)
    assert len([one for one in world.loads() if one.function == "g"]) == before
    world.run(15.0)
    assert len([one for one in world.loads() if one.function == "g"]) > before


def left(id_: str, *residents: Function, owner: str = "ann", of: str = "f") -> Instance:
    """Make an instance that another server has left."""
    instance = Instance(id_, "w", owner, of, 400 * 2**20, InstanceState.IDLE, 0.0)
    return with_residents(instance, *residents)


def test_what_was_found_serves_the_next_call() -> None:
    world = Simulation([F, G], settings(preload=False))
    world.leave(left("i7", F))
    call = world.call("f", 10.0)
    world.run(30.0)
    assert world.served(call).start_kind is StartKind.HOST
    assert world.served(call).instance_id == "i7"
    assert not world.starts()


def test_what_loads_took_before_is_known() -> None:
    slow = replace(F, profile=replace(F.profile, import_s=9.0))
    world = Simulation([slow], settings(preload=False))
    found = ev.InstancesFound(0.0, (left("i7", F),), {"f": ev.LoadReport(0.1, 0.2, 2**20)})
    world.engine.deliver(found)
    assert world.controller.state.functions["f"].profile.import_s == 0.1


def test_what_was_found_expires_and_leaves_its_name_to_no_other_before() -> None:
    world = Simulation([F], settings(preload=False))
    world.leave(left("i1", F))
    world.call("f", 10.0)
    world.call("f", 10.05)
    world.run(20.0)
    assert [one.instance_id for one in world.starts()] == ["i2"]
    world.run(200.0)
    assert not world.controller.state.instances


def test_more_than_the_worker_has_room_for_is_stopped() -> None:
    world = Simulation([F], settings(preload=False), worker_mib=800)
    for number in (1, 2, 3):
        world.leave(left(f"i{number}", F))
    world.run(5.0)
    state = world.controller.state
    assert len(state.instances) == 2
    assert state.census.by_worker["w"].committed_bytes == 800 * 2**20


def test_an_instance_on_a_gpu_that_is_not_ours_by_now_is_stopped() -> None:
    world = Simulation([F])
    world.leave(left("i1", F)._replace(gpu="w/gone"))
    world.run(5.0)
    assert not world.controller.state.instances
    assert StopInstance("i1") in world.actions


def test_a_found_stem_cell_that_nobody_wants_is_stopped() -> None:
    world = Simulation([F])
    world.leave(left("i1", owner=NOBODY, of=stem_name("python")))
    world.run(5.0)
    assert not world.controller.state.instances
    assert StopInstance("i1") in world.actions


def test_measured_footprints_are_what_is_planned_with() -> None:
    world = Simulation([F, G], worker_mib=400)
    world.call("f", 1.0)
    world.run(5.0)
    world.engine.deliver(ev.Measured(5.0, "i1", {"f": 350 * 2**20}))
    assert world.controller.state.functions["f"].profile.memory_bytes == 350 * 2**20


def test_the_same_calls_give_the_same_actions() -> None:
    logs = []
    for _ in range(2):
        world = Simulation([F, G, H], worker_mib=800)
        for number in range(30):
            world.call("fgh"[number * number % 3], 1.0 + number * 0.7)
        world.run(60.0)
        logs.append(world.actions)
    assert [str(one) for one in logs[0]] == [str(one) for one in logs[1]]
