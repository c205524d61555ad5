import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from executor import planner
from executor.actions import Run
from executor.domain import Function, Instance, Tier, Worker
from executor.events import LoadReport
from executor.planner import CHURN_COST_RATIO, Outlook, capacity_bytes, outlook, wishes
from executor.snapshot import Snapshot, take_snapshot
from executor.state import State
from executor.units import MIB
from executor.workers import roomiest_for
from solver import Problem, solve
from tests.executor.worlds import function, hold, idle_instance, on_gpu, state
from tests.solver.problems import restated

F, G = function("f", mib=100), function("g", mib=150)
LIKELY = {"f": (0.9, 0.5), "g": (0.8, 0.1), "b": (1.0, 1.0)}


def with_chances(world: State, chances: NDArray[np.float64]) -> Outlook:
    return outlook(world.catalogue.columns, np.arange(len(world.functions)), chances, {}, 10.0)


def likely(world: State) -> Outlook:
    return with_chances(world, np.array([LIKELY[name] for name in world.functions]))


def build(*view: Any) -> Problem | None:
    problem = planner.build(*view)
    return None if problem is None else restated(problem)


def snapshot(world: State) -> Snapshot:
    return take_snapshot(world, world.owners())


def test_only_idle_instances_and_their_owners_functions_are_in_the_problem() -> None:
    bobs = function("b", owner="bob")
    world = state(F, G, bobs, worker_mib=3000)
    idle, busy = idle_instance(world, "f"), idle_instance(world, "f")
    world.run(Run("c", busy.id, "f", Tier.HOST, 60.0), 0.0)
    problem = build(likely(world), snapshot(world), {idle.id: 1.0}, 0)
    assert problem is not None
    assert problem.instance_names == (idle.id,)
    assert problem.function_names == ("f", "g")


def test_values_costs_and_capacity_are_those_of_the_profile_and_the_limit() -> None:
    world = state(F, worker_mib=3000)
    instance = idle_instance(world, "f")
    problem = build(likely(world), snapshot(world), {instance.id: 0.5}, 30 * MIB)
    assert problem is not None
    assert problem.mode_saving_s[0] == F.profile.ready_s
    assert problem.mode_load_cost_s[0] == pytest.approx(CHURN_COST_RATIO * F.profile.ready_s)
    assert problem.instance_free_memory_bytes[0] == instance.limit_bytes - 30 * MIB
    assert problem.instance_survival[0] == 0.5
    assert list(problem.copies[0]) == [0.9, 0.5]


def test_what_is_held_counts_as_held() -> None:
    world = state(F, G)
    instance = idle_instance(world, "f")
    hold(world, instance.id, "g")
    problem = build(likely(world), snapshot(world), {instance.id: 1.0}, 0)
    assert problem is not None
    mode, where = problem.held[0]
    assert problem.function_names[problem.mode_function[mode]] == "g"
    assert problem.instance_names[where] == instance.id


def test_a_world_that_holds_more_than_profiles_allow_still_gives_a_valid_problem() -> None:
    world = state(F, G)
    instance = idle_instance(world, "f")
    for name in "fg":
        hold(world, instance.id, name)
        world.catalogue.learn(name, LoadReport(0.7, 0.3, memory_bytes=300 * MIB))
    problem = build(likely(world), snapshot(world), {instance.id: 1.0}, 0)
    assert problem is not None
    assert len(problem.held) == 1


def test_nothing_is_planned_for_instances_whose_limit_is_too_small_for_its_calls() -> None:
    small, large = function("f", mib=100, limit_mib=200), function("g", mib=100, limit_mib=400)
    world = state(small, large)
    narrow, wide = idle_instance(world, "f"), idle_instance(world, "g")
    hold(world, narrow.id, "g")
    problem = build(likely(world), snapshot(world), {narrow.id: 1.0, wide.id: 1.0}, 0)
    assert problem is not None
    assert len(problem.held) == 0
    planned = {(one.function, one.instance_id) for one in wishes(solve(problem, "density"))}
    assert ("g", narrow.id) not in planned
    assert ("g", wide.id) in planned


def test_library_bytes_are_shared_within_an_instance() -> None:
    def torch(one: Function) -> Function:
        profile = replace(one.profile, library_bytes=200 * MIB)
        return replace(one, library="torch", profile=profile)

    world = state(torch(F), torch(G), worker_mib=3000)
    instance = idle_instance(world, "f")
    for name in "fg":
        hold(world, instance.id, name)
    problem = build(likely(world), snapshot(world), {instance.id: 1.0}, 0)
    assert problem is not None
    assert problem.library_memory_bytes[0] == 200 * MIB
    assert len(problem.held) == 1


def test_nothing_to_decide_is_no_problem() -> None:
    world = state(F)
    assert build(likely(world), snapshot(world), {}, 0) is None
    instance = idle_instance(world, "f")
    never = np.zeros((1, 2))
    assert build(with_chances(world, never), snapshot(world), {instance.id: 1.0}, 0) is None


def test_what_is_not_worth_a_load_is_in_the_problem_only_while_it_is_held() -> None:
    world = state(F, G)
    instance = idle_instance(world, "f")
    hold(world, instance.id, "g")
    barely = np.full((2, 2), CHURN_COST_RATIO)
    problem = build(with_chances(world, barely), snapshot(world), {instance.id: 1.0}, 0)
    assert problem is not None
    assert problem.function_names == ("g",)


def test_running_calls_serve_the_first_ranks() -> None:
    world = state(F, G)
    instance = idle_instance(world, "f")
    world.run(Run("c", instance.id, "f", Tier.HOST, 60.0), 0.0)
    at_least = np.array([[0.9, 0.5, 0.2, 0.1], [0.8, 0.4, 0.2, 0.1]])
    running = snapshot(world).running
    left = outlook(world.catalogue.columns, np.arange(2), at_least, running, 10.0)
    assert left.chances.tolist() == [[0.5, 0.2, 0.1, 0.0], [0.8, 0.4, 0.2, 0.1]]
    assert at_least[0, 0] == 0.9


def test_wishes_name_what_the_plan_places_most_worth_first() -> None:
    world = state(F, G)
    instance = idle_instance(world, "f")
    problem = build(likely(world), snapshot(world), {instance.id: 1.0}, 0)
    assert problem is not None
    named = wishes(solve(problem, "priority"))
    assert [one.function for one in named] == ["f", "g"]
    assert named[0].worth_s == pytest.approx(0.9 * F.profile.ready_s)


def test_capacity_leaves_base_and_reserve_out_and_is_never_negative() -> None:
    world = state(F)
    instance = idle_instance(world, "f")._replace(base_bytes=50 * MIB)
    assert capacity_bytes(instance, 10 * MIB) == 340 * MIB
    assert capacity_bytes(instance, 999 * MIB) == 0


def gpu_world(*functions: Function, gpu_mib: int) -> tuple[State, Instance]:
    world = State(functions, [Worker("w", 3000 * MIB, {"k": gpu_mib * MIB})])
    return world, idle_instance(world, "f")


def placed(world: State, instance: Instance) -> dict[str, Tier]:
    problem = build(likely(world), snapshot(world), {instance.id: 1.0}, 0)
    assert problem is not None
    return {one.function: one.tier for one in wishes(solve(problem, "price", deadline_s=math.inf))}


def test_functions_with_a_gpu_profile_may_be_on_the_gpu_of_their_instance() -> None:
    world, instance = gpu_world(on_gpu(F, gpu_mib=300), G, gpu_mib=1000)
    assert instance.gpu == "k"
    problem = build(likely(world), snapshot(world), {instance.id: 1.0}, 0)
    assert problem is not None
    assert problem.mode_tier.tolist() == [0, 1, 0]
    assert problem.mode_saving_s.tolist() == [1.0, 1.5, 1.0]
    assert problem.mode_gpu_memory_bytes.tolist() == [0, 300 * MIB, 0]
    assert problem.gpu_free_memory_bytes.tolist() == [1000 * MIB]
    assert placed(world, instance) == {"f": Tier.GPU, "g": Tier.HOST}


def test_on_a_full_gpu_the_less_valuable_function_moves_to_memory() -> None:
    both = (on_gpu(F, gpu_mib=600, move_s=0.6), on_gpu(G, gpu_mib=600))
    world, instance = gpu_world(*both, gpu_mib=1000)
    world.loading(instance.id, "g", Tier.GPU)
    world.loaded(instance.id, "g", Tier.GPU, 50 * MIB)
    assert world.free_gpu_bytes("k") == 400 * MIB
    assert placed(world, instance) == {"f": Tier.GPU, "g": Tier.HOST}


def test_a_move_costs_what_it_takes_and_what_is_held_nothing() -> None:
    world, instance = gpu_world(on_gpu(F, gpu_mib=300), on_gpu(G, gpu_mib=300), gpu_mib=1000)
    hold(world, instance.id, "f")
    world.loading(instance.id, "g", Tier.GPU)
    problem = build(likely(world), snapshot(world), {instance.id: 1.0}, 0)
    assert problem is not None
    assert problem.held.tolist() == [[0, 0], [3, 0]]
    assert problem.load_cost_pairs.tolist() == [[1, 0], [2, 0]]
    assert problem.load_cost_s.tolist() == pytest.approx([CHURN_COST_RATIO * 0.5, 0.0])


def test_what_busy_instances_hold_of_a_gpu_is_not_there_for_others() -> None:
    world, busy = gpu_world(on_gpu(F, gpu_mib=300), gpu_mib=1000)
    idle = idle_instance(world, "f")
    world.run(Run("c", busy.id, "f", Tier.GPU, 60.0), 0.0)
    problem = build(likely(world), snapshot(world), {idle.id: 1.0}, 0)
    assert problem is not None
    assert problem.gpu_free_memory_bytes.tolist() == [700 * MIB]


def test_what_other_programs_take_of_a_gpu_shrinks_it_and_asks_for_a_new_plan() -> None:
    world, instance = gpu_world(on_gpu(F, gpu_mib=300), gpu_mib=1000)
    world.unplanned.clear()
    world.gpus_measured({"k": 1000 * MIB})
    assert not world.unplanned
    world.gpus_measured({"k": 200 * MIB})
    assert list(world.unplanned) == ["ann"]
    assert placed(world, instance) == {"f": Tier.HOST}


def test_an_instance_gets_the_roomiest_gpu_and_none_where_its_owner_has_no_use_for_it() -> None:
    gpus = {"k1": 100 * MIB, "k2": 200 * MIB}
    bobs = function("b", owner="bob")
    world = State([on_gpu(F, gpu_mib=50), G, bobs], [Worker("w", 3000 * MIB, gpus)])
    assert idle_instance(world, "f").gpu == "k2"
    assert idle_instance(world, "g").gpu == "k2"
    assert idle_instance(world, "b").gpu is None


def test_a_gpu_that_can_never_hold_the_function_is_not_chosen() -> None:
    world = State([on_gpu(F, gpu_mib=50)], [Worker("w", 3000 * MIB, {"k": 40 * MIB})])
    assert idle_instance(world, "f").gpu is None


def test_functions_with_use_for_a_gpu_go_to_workers_with_one_while_there_is_room() -> None:
    workers = [Worker("a", 900 * MIB), Worker("b", 500 * MIB, {"k": 100 * MIB})]
    world = State([on_gpu(F, gpu_mib=50), G], workers)
    assert roomiest_for(world, G) == "a"
    assert roomiest_for(world, on_gpu(F, gpu_mib=50)) == "b"
    world.create("b", "f", 0.0)
    assert roomiest_for(world, on_gpu(F, gpu_mib=50)) == "a"


def test_a_load_beside_what_calls_may_take_away_costs_more() -> None:
    world = state(F, G, worker_mib=3000)
    crowded, empty = idle_instance(world, "f"), idle_instance(world, "f")
    hold(world, crowded.id, "g")
    once = with_chances(world, np.array([[0.9, 0.0], [0.8, 0.0]]))
    problem = build(once, snapshot(world), {crowded.id: 1.0, empty.id: 1.0}, 0)
    assert problem is not None
    assert problem.load_cost_pairs.tolist() == [[0, 0]]
    assert problem.load_cost_s[0] > problem.mode_load_cost_s[0]
    made = wishes(solve(problem, "price", deadline_s=math.inf))
    assert {one.function: one.instance_id for one in made} == {"f": empty.id, "g": crowded.id}
