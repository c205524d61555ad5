"""When plans are asked for."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from executor.actions import Solve
from executor.controller import Settings
from executor.domain import Function
from executor.preload import PlanSettings
from executor.serving import ServeSettings
from executor.units import MIB
from tests.executor.simulation import Simulation
from tests.executor.worlds import function

F, G, B = function("f"), function("g"), function("b", owner="bob")


def world(*, rest_s: float = 0.0, patience_s: float = 0.0) -> Simulation:
    plan = PlanSettings(10.0, period_s=1000.0, rest_s=rest_s, patience_s=patience_s)
    return Simulation([F, G, B], Settings(plan=plan), worker_mib=3000)


def plans(made: Simulation, since_s: float) -> list[tuple[float, tuple[str, ...]]]:
    """When plans were asked for since a time, and for whose instances."""
    return [
        (event.at_s, action.problem.owner_names)
        for event, actions in made.log
        for action in actions
        if isinstance(action, Solve) and event.at_s > since_s
    ]


def test_an_owner_whose_instance_turned_idle_is_planned_for_at_once() -> None:
    made = world()
    made.call("f", 1.0)
    made.call("b", 1.0)
    made.call("f", 20.0)
    made.run(30.0)
    assert [owners for _, owners in plans(made, 20.0)] == [("ann",)]


def test_known_instances_wait_for_their_plan_as_long_as_patience_goes() -> None:
    made = world(patience_s=15.0)
    made.call("f", 1.0)
    made.call("b", 1.0)
    made.call("f", 20.0)  # leaves its owner nothing to plan with until it ends
    made.run(60.0)
    assert plans(made, 19.0) == [(35.0, ("ann",))]


def test_an_instance_that_no_plan_has_seen_does_not_wait() -> None:
    made = world(patience_s=500.0)
    made.call("f", 1.0)
    made.run(19.0)
    made.call("b", 20.0)
    made.run(60.0)
    assert [owners for _, owners in plans(made, 19.0)] == [("bob",)]


def test_plans_are_as_far_apart_as_they_must_rest() -> None:
    made = world(rest_s=7.0)
    for at_s in range(1, 40):
        made.call("f", float(at_s))
    made.run(60.0)
    times = [at_s for at_s, _ in plans(made, 0.0)]
    assert len(times) > 3
    assert all(later - sooner >= 7.0 for sooner, later in pairwise(times))


def test_a_running_call_leaves_a_copy_behind_only_where_functions_stay_loaded() -> None:
    kept, lost = (first_rank_during_a_call(warm_keeps_model=keeps) for keeps in (True, False))
    assert kept < lost


def first_rank_during_a_call(*, warm_keeps_model: bool) -> float:
    """Return the chance of f's first rank in the last plan made while one of its calls runs."""
    plan = PlanSettings(10.0, period_s=1.0, rest_s=1.0)
    serve = ServeSettings(warm_keeps_model=warm_keeps_model)
    made = Simulation([F, G], Settings(serve, plan), worker_mib=3000)
    made.run_s["f"] = 10.0
    for at_s in (1.0, 2.0, 30.0):
        made.call("f", at_s)
    made.run(35.0)
    problem = [
        action.problem for _, actions in made.log for action in actions if isinstance(action, Solve)
    ][-1]
    return float(problem.copies[problem.function_names.index("f"), 0])


def sharing(name: str) -> Function:
    """A function of a library that is shared by all of an instance."""
    one = function(name)
    profile = replace(one.profile, library_bytes=50 * MIB)
    return replace(one, library="torch", profile=profile)


@pytest.mark.parametrize(("make", "loaded"), [(sharing, True), (function, False)])
def test_an_instance_that_came_up_for_nobody_gets_the_library(
    make: Callable[[str], Function], loaded: bool
) -> None:
    made = Simulation([make("f")], Settings(plan=PlanSettings(10.0)))
    for at_s in (1.0, 55.0, 109.0, 163.0, 217.0):
        made.call("f", at_s)
    late = made.call("f", 217.05)  # has an instance started, but the busy one is free before
    made.run(220.0)
    assert made.served(late).instance_id == "i1"
    assert ("i2" in {load.instance_id for load in made.loads()}) is loaded
