"""What holds for every replay, whatever is replayed."""

from collections.abc import Sequence

import numpy as np
import pytest

from bench.replay.measures import measure
from bench.replay.methods import POLICIES, PRELOADS
from bench.replay.profiles import ProfileFile
from bench.replay.record import KINDS
from bench.replay.simulate import NO_GPUS, Case, Gpus, Replay
from executor import events as ev
from executor.actions import Action
from executor.domain import InstanceState, StartKind, Tier
from executor.planner import capacity_bytes
from executor.units import GIB
from tests.bench.replay.worlds import COSTS, SHARED, workload


class GpuWatch:
    """Keeps account of what is on each GPU by what the runtime says."""

    def __init__(self, made: Replay) -> None:
        self._state = made.controller.state
        self._called = [f"f{function}" for function in workload().arrivals.functions]
        self._held: dict[tuple[str, str], tuple[str, int]] = {}
        self.most_bytes = dict.fromkeys(self._state.gpus, 0)
        made.watch = self._see_all

    def _see_all(self, events: Sequence[ev.Event], _: Sequence[Action]) -> None:
        for event in events:
            self._see(event)

    def _see(self, event: ev.Event) -> None:
        match event:
            case ev.Loaded():
                self._put(event.instance_id, event.function, event.tier)
            case ev.Started():
                function = self._called[int(event.invocation_id)]
                self._put(event.instance_id, function, event.tier)
            case ev.Offloaded():
                self._held.pop((event.instance_id, event.function), None)
            case ev.InstanceGone():
                gone = [place for place in self._held if place[0] == event.instance_id]
                for place in gone:
                    del self._held[place]
            case _:
                pass
        for gpu in self.most_bytes:
            held_bytes = sum(size for where, size in self._held.values() if where == gpu)
            self.most_bytes[gpu] = max(self.most_bytes[gpu], held_bytes)

    def _put(self, instance_id: str, function: str, tier: Tier) -> None:
        self._held.pop((instance_id, function), None)
        gpu = self._state.instances[instance_id].gpu
        if tier is Tier.GPU and gpu is not None:
            size_bytes = self._state.functions[function].gpu_bytes(Tier.GPU)
            self._held[instance_id, function] = (gpu, size_bytes)


def replay(
    policy: str,
    preload: str,
    memory_gib: int = 12,
    *,
    keeps: bool = False,
    costs: ProfileFile = COSTS,
    gpus: Gpus = NO_GPUS,
) -> Replay:
    case = Case(policy, preload, memory_gib * GIB, 1, keeps, gpus)
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
    end_s = workload().arrivals.at_s[-1]
    integral_gib_s = recorder.memory_gib(np.arange(480 * 60.0, end_s, 0.01)).sum() / 100
    assert recorder.gib_s == pytest.approx(integral_gib_s, rel=1e-3)


@pytest.mark.parametrize("policy", ["pagurus", "faascache"])
def test_no_capacity_is_ever_exceeded_and_no_owner_crossed(policy: str) -> None:
    made = replay(policy, "headstart")
    state = made.controller.state
    seen = 0

    def watch(_: Sequence[ev.Event], __: Sequence[Action]) -> None:
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


@pytest.mark.parametrize("preload", PRELOADS)
def test_no_gpu_is_ever_overcommitted_and_calls_find_their_functions_there(preload: str) -> None:
    made = replay("openwhisk", preload, 24, keeps=True, gpus=Gpus(2, 1))
    watch = GpuWatch(made)
    recorder = made.run()
    assert recorder.ends.tolist() == [1] * len(recorder.ends)
    assert set(watch.most_bytes) == {"gpu0", "gpu1"}
    assert all(GIB / 2 < size <= GIB for size in watch.most_bytes.values())
    found = {kind.value: float(np.mean(recorder.kind == at)) for at, kind in enumerate(KINDS)}
    assert found["gpu"] > 0
    assert found["host"] > 0


def test_own_functions_are_loaded_again_to_the_gpu_while_it_has_room() -> None:
    made = replay("openwhisk", "own", 24, gpus=Gpus(2, 1))
    recorder = made.run()
    assert np.mean(recorder.kind == KINDS.index(StartKind.GPU)) > 0.05


def test_gpus_that_no_model_can_use_change_nothing() -> None:
    models = {name: one.model_copy(update={"gpu": None}) for name, one in COSTS.models.items()}
    without = COSTS.model_copy(update={"models": models})
    runs = [
        replay("openwhisk", "headstart", costs=costs, gpus=gpus).run()
        for costs, gpus in ((COSTS, NO_GPUS), (without, NO_GPUS), (without, Gpus(1, 24)))
    ]
    assert runs[0].steps == runs[1].steps == runs[2].steps
    assert runs[0].wait_s.tolist() == runs[1].wait_s.tolist() == runs[2].wait_s.tolist()


def test_shared_starts_change_nothing_about_the_calls_and_hold_memory_limits() -> None:
    private, shared = workload(), workload(costs=SHARED)
    assert private.models == shared.models
    assert private.arrivals.at_s.tolist() == shared.arrivals.at_s.tolist()
    assert private.run_s.tolist() == shared.run_s.tolist()
    made = replay("openwhisk", "headstart", costs=SHARED)
    libraries: set[str] = set()

    def watch(_: Sequence[ev.Event], __: Sequence[Action]) -> None:
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
