"""Random histories of a controller on a simulated runtime."""

from collections.abc import Mapping
from typing import ClassVar

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from executor import events as ev
from executor.domain import Function, Instance, InstanceState, ResidencyState, Tier
from executor.planner import capacity_bytes
from executor.units import MIB
from predictors.keepalive.fixed import FixedKeepAlive
from tests.executor.simulation import Simulation, settings
from tests.executor.worlds import function, on_gpu, with_residents

FUNCTIONS = [
    function("a", mib=100),
    function("b", mib=150),
    function("c", mib=250, limit_mib=300),
    function("x", owner="bob", mib=100, limit_mib=250),
    function("y", owner="bob", mib=200, limit_mib=600),
]
MOST_LEFT = 2
STOPPING = InstanceState.STOPPING
NAMES = [one.name for one in FUNCTIONS]


GPU = "k"
GPU_BYTES = 1000 * MIB
GPU_MIB = {"a": 400, "b": 600, "x": 300, "y": 900}


class Histories(RuleBasedStateMachine):
    functions: ClassVar[list[Function]] = FUNCTIONS
    gpus: ClassVar[Mapping[str, int]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.world = Simulation(
            self.functions,
            settings(queue_limit=5, period_s=10.0),
            policy=FixedKeepAlive(20.0),
            gpus=self.gpus,
        )
        self.calls: list[str] = []
        self.disabled: set[str] = set()
        self.left: list[str] = []

    @property
    def now_s(self) -> float:
        return self.world.timer.now_s()

    @rule(name=st.sampled_from(NAMES), timeout_s=st.sampled_from([0.3, 1.0, 30.0]))
    def call(self, name: str, timeout_s: float) -> None:
        self.calls.append(self.world.call(name, self.now_s, timeout_s))

    @rule(delay_s=st.floats(0.0, 5.0))
    def wait(self, delay_s: float) -> None:
        self.world.run(self.now_s + delay_s)

    @rule(delay_s=st.floats(20.0, 60.0))
    def wait_long(self, delay_s: float) -> None:
        self.world.run(self.now_s + delay_s)

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(self.calls))
        self.world.engine.deliver(ev.Withdrawn(self.now_s, call))

    @precondition(lambda self: self.world.controller.state.instances)
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        ids = sorted(self.world.controller.state.instances)
        self.world.runtime.kill(data.draw(st.sampled_from(ids)))

    @precondition(lambda self: len(self.left) < MOST_LEFT)
    @rule(loaded=st.lists(st.sampled_from(FUNCTIONS[:2]), unique=True))
    def leave(self, loaded: list[Function]) -> None:
        """Another server has left an instance, which is found after a while."""
        self.left.append(f"left{len(self.left)}")
        instance = Instance(self.left[-1], "w", "ann", "a", 400 * MIB, InstanceState.IDLE, 0.0)
        self.world.leave(with_residents(instance, *loaded))

    @rule(name=st.sampled_from(NAMES))
    def toggle(self, name: str) -> None:
        if name in self.disabled:
            self.disabled.discard(name)
            self.world.engine.deliver(ev.FunctionEnabled(self.now_s, name))
        else:
            self.disabled.add(name)
            self.world.engine.deliver(ev.FunctionDisabled(self.now_s, name))

    @invariant()
    def workers_are_never_overcommitted(self) -> None:
        state = self.world.controller.state
        for worker in state.workers.values():
            here = [one for one in state.instances.values() if one.worker == worker.name]
            surplus = [one for one in here if one.id in self.left and one.state is STOPPING]
            committed = sum(one.limit_bytes for one in here if one not in surplus)
            assert committed <= worker.memory_bytes

    @invariant()
    def instances_hold_their_owners_functions_within_their_limits(self) -> None:
        state = self.world.controller.state
        for instance in state.instances.values():
            for name in instance.residencies:
                assert state.functions[name].owner == instance.owner
            if instance.state is InstanceState.IDLE:
                taken = sum(one.memory_bytes for one in instance.residencies.values())
                assert taken <= capacity_bytes(instance, 0)

    @invariant()
    def a_strict_run_is_alone(self) -> None:
        for instance in self.world.controller.state.instances.values():
            if instance.state is InstanceState.BUSY:
                states = [one.state for one in instance.residencies.values()]
                assert states.count(ResidencyState.RUNNING) == 1
                assert states.count(ResidencyState.OFFLOADING) == len(states) - 1

    @invariant()
    def nothing_waits_while_its_owner_has_a_usable_idle_instance(self) -> None:
        state = self.world.controller.state
        for call in self.world.controller.serving.backlog.waiting():
            wanted = state.functions[call.invocation.function]
            for instance in state.of_owner(wanted.owner):
                usable = instance.limit_bytes >= wanted.memory_limit_bytes
                assert not (usable and instance.state is InstanceState.IDLE)

    def teardown(self) -> None:
        self.world.run(self.now_s + 200.0)
        assert sorted(self.world.finished) == sorted(self.calls)
        assert len(self.world.controller.serving.backlog) == 0
        assert not self.world.controller.state.instances


Histories.TestCase.settings = hypothesis_settings(max_examples=50, stateful_step_count=30)
TestHistories = Histories.TestCase


class GpuHistories(Histories):
    """The same with a GPU, of which other programs may take some."""

    functions: ClassVar[list[Function]] = [
        on_gpu(one, gpu_mib=GPU_MIB[one.name]) if one.name in GPU_MIB else one for one in FUNCTIONS
    ]
    gpus: ClassVar[Mapping[str, int]] = {GPU: GPU_BYTES}

    def __init__(self) -> None:
        super().__init__()
        self.least_bytes = GPU_BYTES

    @rule(taken_mib=st.sampled_from([0, 0, 300, 1000]))
    def measure(self, taken_mib: int) -> None:
        budget_bytes = GPU_BYTES - taken_mib * MIB
        self.world.engine.deliver(ev.GpusMeasured(self.now_s, {GPU: budget_bytes}))
        self.least_bytes = min(self.least_bytes, budget_bytes)
        if budget_bytes == GPU_BYTES and self.staying_bytes() <= budget_bytes:
            self.least_bytes = GPU_BYTES

    @invariant()
    def no_more_is_on_a_gpu_than_it_has_but_for_what_others_have_taken_since(self) -> None:
        if self.least_bytes == GPU_BYTES:
            assert self.staying_bytes() <= GPU_BYTES

    @invariant()
    def only_instances_on_a_gpu_have_functions_there(self) -> None:
        for instance in self.world.controller.state.instances.values():
            for held in instance.residencies.values():
                assert held.tier is not Tier.GPU or instance.gpu == GPU

    def staying_bytes(self) -> int:
        """Sum up what is on the GPU, or on the way there, and not on the way out."""
        return sum(
            held.gpu_memory_bytes
            for instance in self.world.controller.state.instances.values()
            for held in instance.residencies.values()
            if held.tier is Tier.GPU
            and held.state is not ResidencyState.OFFLOADING
            and instance.state is not STOPPING
        )


GpuHistories.TestCase.settings = Histories.TestCase.settings
TestGpuHistories = GpuHistories.TestCase
