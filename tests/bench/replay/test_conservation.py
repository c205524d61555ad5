"""What holds for every replay, whatever is replayed."""

from collections.abc import Sequence

import numpy as np
import pytest

from bench.replay.measures import measure
from bench.replay.methods import POLICIES, PRELOADS
from bench.replay.profiles import ProfileFile
from bench.replay.simulate import Case, Replay
from executor import events as ev
from executor.actions import Action
from executor.domain import InstanceState
from executor.planner import capacity_bytes
from executor.units import GIB
from tests.bench.replay.worlds import COSTS, SHARED, workload


def replay(
    policy: str,
    preload: str,
    memory_gib: int = 12,
    *,
    keeps: bool = False,
    costs: ProfileFile = COSTS,
) -> Replay:
    case = Case(policy, preload, memory_gib * GIB, 1, keeps)
    return Replay(workload(costs=costs), costs, case)


@pytest.mark.parametrize(
    ("policy", "preload"),
    [*((policy, "headstart") for policy in POLICIES), *(("openwhisk", one) for one in PRELOADS)],
)
def test_every_call_ends_once_and_all_memory_is_accounted_for(policy: str, preload: str) -> None:
    made = replay(policy, preload)
    recorder = made.run()
    assert recorder.ends.tolist() == [1] * len(recorder.ends)
    assert (recorder.kind >= 0).all()
    assert (recorder.loading_s >= 0).all()
    assert (recorder.wait_s >= 0).all()
    held = recorder.memory_gib(np.arange(480 * 60.0, 496 * 60.0, 1.0))
    assert held.max() <= 12 + 1e-9
    assert held.min() >= -1e-9
    assert recorder.gib_s > 0


@pytest.mark.parametrize("policy", ["pagurus", "faascache"])
def test_no_capacity_is_ever_exceeded_and_no_owner_crossed(policy: str) -> None:
    made = replay(policy, "headstart")
    state = made.controller.state
    seen = 0

    def watch(_: ev.Event, __: Sequence[Action]) -> None:
        nonlocal seen
        seen += 1
        assert sum(one.limit_bytes for one in state.instances.values()) <= 12 * GIB
        for instance in state.instances.values():
            owners = {state.functions[name].owner for name in instance.residencies}
            assert owners <= {instance.owner}
            if instance.state is InstanceState.IDLE:
                taken = sum(one.memory_bytes for one in instance.residencies.values())
                assert taken <= capacity_bytes(instance, 0)

    made.watch = watch
    made.run()
    assert seen > 1000


@pytest.mark.parametrize("preload", ["instainfer", "headstart"])
def test_a_replay_repeats_bit_for_bit(preload: str) -> None:
    first, second = (replay("histogram", preload) for _ in range(2))
    rows = [measure(workload(), one.run()) for one in (first, second)]
    assert rows[0] == rows[1]


def test_shared_starts_change_nothing_about_the_calls_and_hold_memory_limits() -> None:
    private, shared = workload(), workload(costs=SHARED)
    assert private.models == shared.models
    assert private.arrivals.at_s.tolist() == shared.arrivals.at_s.tolist()
    assert private.run_s.tolist() == shared.run_s.tolist()
    made = replay("openwhisk", "headstart", costs=SHARED)
    libraries: set[str] = set()

    def watch(_: ev.Event, __: Sequence[Action]) -> None:
        for instance in made.controller.state.instances.values():
            libraries.update(instance.libraries)
            held = sum(one.memory_bytes for one in instance.residencies.values())
            assert held <= capacity_bytes(instance, 0)

    made.watch = watch
    recorder = made.run()
    assert recorder.ends.tolist() == [1] * len(recorder.ends)
    assert libraries == {"torchvision", "transformers"}


def test_preloading_starts_more_calls_with_their_model_and_knowing_all_starts_most() -> None:
    hits = {}
    for preload in ("none", "headstart", "clairvoyant"):
        rows = measure(workload(), replay("openwhisk", preload, memory_gib=24).run())
        hits[preload] = next(r.value for r in rows if (r.metric, r.group) == ("hit_rate", "all"))
    assert hits["none"] == 0.0
    assert 0.2 < hits["headstart"] < hits["clairvoyant"]
