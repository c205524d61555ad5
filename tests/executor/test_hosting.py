"""What policies may ask for beyond lifetimes, carried out by a whole controller."""

import pytest

from executor import events as ev
from executor.actions import StartInstance, StopInstance
from executor.controller import Controller
from executor.domain import NOBODY, Instance, InstanceState, Invocation, Worker, stem_name
from predictors.arrival.poisson import PoissonPredictor
from predictors.keepalive.base import BasePolicy
from predictors.keepalive.faascache import FaasCache
from predictors.keepalive.fixed import AlwaysOn, FixedKeepAlive
from predictors.keepalive.openwhisk import OpenWhisk
from predictors.keepalive.protocol import KeepAlivePolicy, Lifetime, StemCell
from tests.executor.simulation import RUN_S, START_S, Simulation, settings
from tests.executor.worlds import function

MIB = 1 << 20
F = function("f")
THEIRS = function("x", owner="bob")
READY_S = F.profile.ready_s
REUSE_S = 0.05
SPARE = StemCell("python", 400 * MIB, 1)


class Lending(BasePolicy):
    """Lends every instance to every function after ten seconds; keeps a note of cold starts."""

    def __init__(self) -> None:
        super().__init__()
        self.cold: list[tuple[int, float]] = []

    def cold_started(self, function: int, at_s: float) -> None:
        self.cold.append((function, at_s))

    def lifetime(self, function: int, at_s: float, *, rented: bool = False) -> Lifetime:
        return Lifetime(60.0, lend_after_s=float("inf") if rented else 10.0)

    def renters(self, function: int, at_s: float) -> tuple[int, ...]:
        return tuple(range(len(self._traits)))


class Removals(FixedKeepAlive):
    """Keeps a note of removals."""

    def __init__(self) -> None:
        super().__init__(60.0)
        self.seen: list[tuple[int, bool, int]] = []

    def removed(self, function: int, *, evicted: bool, left: int) -> None:
        self.seen.append((function, evicted, left))


def total_bytes(world: Simulation) -> int:
    return sum(one.limit_bytes for one in world.controller.state.instances.values())


def test_a_stem_cell_takes_a_cold_start_over_and_is_replaced() -> None:
    world = Simulation([F], settings(preload=False), policy=OpenWhisk([SPARE]))
    world.timer.at(0.5, lambda: world.engine.deliver(world.tick()))
    call = world.call("f", 5.0)
    world.run(20.0)
    assert world.served(call).timings.wait_s == pytest.approx(REUSE_S)
    stem, own, _ = world.starts()
    assert (stem.owner, own.reuses) == (NOBODY, stem.instance_id)
    idle = [one.owner for one in world.controller.state.of_owner(NOBODY)]
    assert idle == [NOBODY]


def test_a_stem_cell_of_other_memory_or_another_kind_is_left_alone() -> None:
    sizes = [StemCell("python", size_mib * MIB, 1) for size_mib in (399, 401)]
    for cell in (*sizes, StemCell("nodejs", 400 * MIB, 1)):
        world = Simulation([F], settings(preload=False), policy=OpenWhisk([cell]))
        world.engine.deliver(world.tick())
        call = world.call("f", 5.0)
        world.run(20.0)
        assert world.served(call).timings.wait_s == pytest.approx(START_S)


def test_stem_cells_go_last_under_pressure() -> None:
    other = function("y", owner="carol", limit_mib=300)
    world = Simulation(
        [F, other], settings(preload=False), worker_mib=1200, policy=OpenWhisk([SPARE])
    )
    world.engine.deliver(world.tick())
    for at_s in (5.0, 10.0):
        world.call("f", at_s)
        world.call("f", at_s)
    call = world.call("y", 20.0)
    world.run(30.0)
    assert world.served(call)
    owners = [one.owner for one in world.controller.state.instances.values()]
    assert sorted(owners) == sorted(["ann", "carol", NOBODY])


def test_stem_cells_that_are_all_that_can_go_do_go_and_come_back() -> None:
    world = Simulation(
        [F, THEIRS], settings(preload=False), worker_mib=900, policy=OpenWhisk([SPARE])
    )
    world.engine.deliver(world.tick())
    for at_s in (5.0, 6.0):
        world.call("f", at_s)
    calls = [world.call("x", 10.0), world.call("f", 10.0)]
    world.run(30.0)
    assert all(world.served(one) for one in calls)
    owners = [one.owner for one in world.controller.state.instances.values()]
    assert sorted(owners) == ["ann", "bob"]
    world.run(1000.0)
    assert [one.owner for one in world.controller.state.instances.values()] == [NOBODY]


def test_nothing_is_rented_before_the_policy_lends_it() -> None:
    world = Simulation([F, THEIRS], settings(preload=False), policy=Lending())
    world.call("f", 1.0)
    call = world.call("x", 5.0)
    world.run(20.0)
    assert world.served(call).timings.wait_s == pytest.approx(START_S)


def test_a_rented_container_changes_hands_emptied_and_within_its_memory() -> None:
    world = Simulation([F, THEIRS], settings(preload=False), worker_mib=400, policy=Lending())
    world.call("f", 1.0)
    call = world.call("x", 20.0)
    world.run(20.01)
    assert total_bytes(world) == 400 * MIB
    world.run(30.0)
    served = world.served(call)
    assert served.timings.wait_s == pytest.approx(REUSE_S)
    assert served.timings.loading_s == pytest.approx(READY_S)
    old, new = world.starts()
    assert (new.owner, new.reuses) == ("bob", old.instance_id)
    assert StopInstance(old.instance_id) in world.actions
    (left,) = world.controller.state.instances.values()
    assert (left.owner, left.rented, left.state) == ("bob", True, InstanceState.IDLE)


def test_a_call_that_rents_a_container_is_a_cold_start_to_the_policy() -> None:
    policy = Lending()
    world = Simulation([F, THEIRS], settings(preload=False), policy=policy)
    world.call("f", 1.0)
    world.call("x", 20.0)
    world.call("x", 30.0)
    world.run(40.0)
    assert policy.cold == [(0, 1.0), (1, 20.0)]


def test_a_rented_container_is_not_lent_on() -> None:
    third = function("y", owner="carol")
    world = Simulation([F, THEIRS, third], settings(preload=False), policy=Lending())
    world.call("f", 1.0)
    world.call("x", 20.0)
    call = world.call("y", 50.0)
    world.run(60.0)
    assert world.served(call).timings.wait_s == pytest.approx(START_S)


def test_demanded_instances_are_there_from_the_first_event_and_again_after_a_call() -> None:
    world = Simulation([F], settings(preload=False), policy=AlwaysOn())
    world.engine.deliver(world.tick())
    world.run(1.0)
    call = world.call("f", 5.0)
    world.run(10.0)
    assert world.served(call).timings.wait_s == pytest.approx(0.0)
    assert len([one for one in world.actions if isinstance(one, StartInstance)]) == 1


def test_memory_that_comes_free_goes_to_waiting_calls_before_demanded_instances() -> None:
    small = [function(name, owner=name, limit_mib=300) for name in "stuv"]
    big = function("b", owner="b", limit_mib=900)
    world = Simulation([*small, big], settings(preload=False), policy=AlwaysOn())
    world.engine.deliver(world.tick())
    world.run(1.0)
    call = world.call("b", 5.0)
    world.run(10.0)
    assert world.served(call).timings.wait_s < 2 * START_S


def test_policies_hear_whether_memory_was_needed() -> None:
    policy = Removals()
    world = Simulation([F, THEIRS], settings(preload=False), worker_mib=500, policy=policy)
    world.call("f", 1.0)
    world.call("x", 20.0)
    world.run(20.0 + START_S + READY_S + RUN_S + 100.0)
    assert policy.seen == [(0, True, 0), (1, False, 0)]


def test_an_instance_that_others_made_room_for_starts_by_the_clock_that_they_moved() -> None:
    policy = FaasCache()
    world = Simulation([F, THEIRS], settings(preload=False), worker_mib=500, policy=policy)
    world.call("f", 1.0)
    world.run(10.0)
    worth = policy.eviction_priority(0, 0.0)
    world.call("x", 20.0)
    world.run(30.0)
    assert policy.eviction_priority(1, 0.0) == pytest.approx(2 * worth)


def test_a_worker_that_starts_nothing_is_not_asked_over_and_over() -> None:
    controller = Simulation([F], settings(preload=False), policy=AlwaysOn()).controller

    def started(event: ev.Event) -> list[str]:
        actions = controller.step(event)
        return [one.instance_id for one in actions if isinstance(one, StartInstance)]

    (first,) = started(ev.Tick(0.0))
    (second,) = started(ev.InstanceGone(0.1, first, "no engine"))
    assert started(ev.InstanceGone(0.2, second, "no engine")) == []
    (third,) = started(ev.Tick(1.0))
    assert started(ev.InstanceGone(1.1, third, "no engine")) == []
    (fourth,) = started(ev.Tick(2.0))
    assert started(ev.InstanceReady(2.1, fourth, 0)) == []
    assert len(started(ev.InstanceGone(3.0, fourth, "killed"))) == 1


@pytest.mark.parametrize("policy", [AlwaysOn(), OpenWhisk([SPARE])])
def test_what_is_wanted_always_waits_for_a_worker_that_answers(policy: KeepAlivePolicy) -> None:
    workers = [Worker("small", 100 * MIB), Worker("away", 900 * MIB)]
    options, predictor = settings(preload=False), PoissonPredictor(window_s=600.0)
    controller = Controller([F], workers, policy, predictor, options)

    def started(event: ev.Event) -> list[str]:
        return [one.worker for one in controller.step(event) if isinstance(one, StartInstance)]

    assert started(ev.WorkerSeen(0.0, "away", answers=False)) == []
    assert started(ev.Tick(1.0)) == []
    assert started(ev.WorkerSeen(2.0, "away", answers=True)) == ["away"]


@pytest.mark.parametrize("policy", [Lending(), OpenWhisk([SPARE])])
def test_a_container_is_not_taken_over_where_the_engine_is_away(policy: KeepAlivePolicy) -> None:
    workers = [Worker("w", 900 * MIB), Worker("other", 500 * MIB)]
    options, predictor = settings(preload=False), PoissonPredictor(window_s=600.0)
    controller = Controller([F, THEIRS], workers, policy, predictor, options)
    spare, owner = (stem_name("python"), NOBODY) if policy.stem_cells() else ("x", "bob")
    held = Instance("i1", "w", owner, spare, F.memory_limit_bytes, InstanceState.IDLE, 0.0)
    controller.step(ev.InstancesFound(0.0, (held,), {}))
    controller.step(ev.WorkerSeen(1.0, "w", answers=False))
    call = Invocation("c", "f", 20.0, 60.0)
    (start,) = (
        one for one in controller.step(ev.Arrived(20.0, call)) if isinstance(one, StartInstance)
    )
    assert (start.worker, start.reuses) == ("other", None)
