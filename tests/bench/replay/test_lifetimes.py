"""Pre-loading creates, prolongs and removes no container: with it and without they live alike.

Calls end at the same times with and without pre-loading here, since a container that ends its call
sooner also goes sooner, by the policy's own rule.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from executor import events as ev
from executor.actions import Action, StartInstance
from executor.controller import Controller, Settings
from executor.domain import Function, Invocation, Profile, Worker
from executor.drivers.engine import Engine, Outlets
from executor.drivers.sim import ChargedPlanner, EventHeap
from executor.preload import PlanSettings
from executor.runtimes.sim import SimRuntime
from executor.runtimes.sim_costs import SimCosts
from executor.runtimes.sim_libraries import SimLibrary
from executor.units import GIB, MIB
from predictors.arrival.renewal import RenewalPredictor
from predictors.keepalive.azure_premium import AzurePremium
from predictors.keepalive.faascache import FaasCache
from predictors.keepalive.fixed import FixedKeepAlive
from predictors.keepalive.histogram import HybridHistogram
from predictors.keepalive.openwhisk import OpenWhisk
from predictors.keepalive.pagurus import Pagurus
from predictors.keepalive.protocol import KeepAlivePolicy, StemCell
from solver import solve

CALL_S = 5.0
END_S = 1500.0
NAMES = "fgh"
POLICIES: dict[str, Callable[[], KeepAlivePolicy]] = {
    "fixed": lambda: FixedKeepAlive(120.0),
    "openwhisk": lambda: OpenWhisk([StemCell("python", 400 * MIB, 1)]),
    "histogram": HybridHistogram,
    "faascache": FaasCache,
    "pagurus": lambda: Pagurus(np.random.default_rng(1)),
    "azure_premium": AzurePremium,
}

SHARED = [name for name in POLICIES if name != "azure_premium"]
"""Policies under which functions of one owner do not change each other's containers: Premium keeps
a number of idle ones for each, whoever used those of the others."""

Life = tuple[str, float, float]
Calls = list[tuple[float, str]]


TORCH = SimLibrary("torch", import_s=4.0, memory_bytes=100 * MIB)


def functions(owner: str) -> list[Function]:
    profile = Profile(0.7, 0.3, 100 * MIB)
    return [Function(name, owner.format(name), 400 * MIB, profile) for name in NAMES]


def forked() -> list[Function]:
    """Functions of one owner that are forked in a moment where their library is imported."""
    profile = Profile(0.03, 0.02, 100 * MIB, TORCH.memory_bytes)
    return [Function(name, "owner", 400 * MIB, profile, library=TORCH.name) for name in NAMES]


def lives(
    policy: KeepAlivePolicy, served: list[Function], calls: Calls, *, preload: bool
) -> list[Life]:
    timer = EventHeap()
    begun: dict[str, tuple[str, float]] = {}
    ended: list[Life] = []

    def record(events: Sequence[ev.Event], actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, StartInstance):
                begun[action.instance_id] = (action.owner, events[-1].at_s)
        gone = [one for one in events if isinstance(one, ev.InstanceGone)]
        ended.extend((*begun.pop(one.instance_id), one.at_s) for one in gone)

    def run_s(call: str, _: str) -> float:
        return calls[int(call)][0] + CALL_S - timer.now_s()

    controller = Controller(
        served,
        [Worker("w", 64 * GIB)],
        policy,
        RenewalPredictor(),
        Settings(plan=PlanSettings(period_s=10.0, rest_s=2.0) if preload else None),
    )
    libraries = {one.name: TORCH for one in served if one.library == TORCH.name}
    costs = SimCosts({one.name: one.profile for one in served}, run_s, libraries=libraries)
    runtime = SimRuntime(timer, costs, lambda events: engine.deliver(*events))
    planner = ChargedPlanner(timer, lambda problem: solve(problem, "density"), lambda _: 0.005)
    engine = Engine(controller, runtime, timer, planner, Outlets(lambda _: None, fail, record))
    for number, (at_s, name) in enumerate(calls):
        arrived = ev.Arrived(at_s, Invocation(str(number), name, at_s, at_s + 60.0))
        timer.at(at_s, lambda arrived=arrived: engine.deliver(arrived))  # type: ignore[misc]
    timer.run(END_S)
    ended.extend((*one, END_S) for one in begun.values())
    return sorted((owner, round(begin, 6), round(end, 6)) for owner, begin, end in ended)


def fail(error: BaseException) -> None:
    raise error


drawn_calls = st.lists(
    st.tuples(st.floats(0.0, 1000.0, width=32), st.sampled_from(NAMES)), min_size=1, max_size=20
).map(sorted)


def assert_alike(policy: str, served: list[Function], calls: Calls) -> None:
    without = lives(POLICIES[policy](), served, calls, preload=False)
    assert without
    assert lives(POLICIES[policy](), served, calls, preload=True) == without


@pytest.mark.parametrize("policy", POLICIES)
@hypothesis_settings(max_examples=5)
@given(calls=drawn_calls)
def test_containers_live_alike_with_preloading_and_without(policy: str, calls: Calls) -> None:
    assert_alike(policy, functions("owner of {}"), calls)


@pytest.mark.parametrize("policy", SHARED)
@hypothesis_settings(max_examples=10)
@given(calls=drawn_calls)
def test_so_do_containers_that_functions_of_one_owner_share(policy: str, calls: Calls) -> None:
    assert_alike(policy, functions("owner"), calls)


drawn_waits = st.lists(st.floats(2.0, 4.5), min_size=1, max_size=3)


@pytest.mark.parametrize("policy", SHARED)
@hypothesis_settings(max_examples=5)
@given(after_s=drawn_waits)
def test_so_do_containers_whose_calls_would_wait_for_a_library(
    policy: str, after_s: list[float]
) -> None:
    """Without pre-loading each second call of a pair waits for the first and its library.

    The instance that was started for the second call of the first pair is never used then.
    """
    lonely = [(20.0 * number, "f") for number in range(12)]
    pairs = [(300.0 + 40.0 * number, wait_s) for number, wait_s in enumerate(after_s)]
    calls = [call for at_s, wait_s in pairs for call in ((at_s, "f"), (at_s + wait_s, "g"))]
    assert_alike(policy, forked(), lonely + calls)
