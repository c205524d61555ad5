"""The gate before a GPU, between a controller that asks for anything and instances that fail."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Collection
from functools import partial

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from executor import events as ev
from executor.actions import CancelRun, Load, Offload, Run, RuntimeAction, StartInstance
from executor.domain import Tier
from executor.gpu.keeper import GpuSettings, Keeper
from executor.gpu.usage import Device, Usage
from executor.runtimes.gpu_gate import GpuGate
from executor.runtimes.gpu_unloads import Means

TOTAL_BYTES = 1000
NEED_BYTES = {"f": 400, "g": 500, "h": 900}
INSTANCES = ("i1", "i2", "i3")
FOREVER_S = 1e6

functions = st.sampled_from(sorted(NEED_BYTES))
tiers = st.sampled_from([Tier.GPU, Tier.GPU, Tier.HOST])


class Gauge:
    """A GPU on which no process is ever seen, so that reservations are all there is to go by."""

    def devices(self) -> list[Device]:
        return [Device("k", "Fake")]

    def usage(self, uuid: str) -> Usage:
        return Usage(TOTAL_BYTES, 0, 0, {})

    def fault(self, device: Device) -> str:
        return ""


class GateWorld(RuleBasedStateMachine):
    """Plays controller and instances; ``there`` is what is loaded where, as the instances know."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        gauge = Gauge()
        self.keeper = Keeper(gauge, gauge.devices(), GpuSettings())
        self.there: dict[tuple[str, str], Tier] = {}
        self.orders: defaultdict[str, deque[RuntimeAction]] = defaultdict(deque)
        self.runs: dict[str, Run] = {}
        self.answered: list[ev.Event] = []
        self.calls = 0
        self.do(self.open)

    def open(self) -> None:
        means = Means(
            NEED_BYTES.__getitem__,
            self.forwarded,
            lambda names: {name: [] for name in names},
            self.loop.time,
            self.answered.append,
        )
        self.gate = GpuGate({"w": self.keeper}, means)
        for name in INSTANCES:
            self.gate.submit(StartInstance(name, "w", "o", 1, gpu="k"))

    def forwarded(self, action: RuntimeAction) -> None:
        if not isinstance(action, StartInstance):
            self.orders[action.instance_id].append(action)

    def do(self, work: Callable[[], object]) -> None:
        """Do something on the loop, and let follow what follows at once."""

        async def doing() -> None:
            work()
            for _ in range(5):
                await asyncio.sleep(0)

        self.loop.run_until_complete(doing())

    @precondition(lambda self: len(self.runs) < len(INSTANCES))
    @rule(data=st.data(), function=functions, tier=tiers)
    def load(self, data: st.DataObject, function: str, tier: Tier) -> None:
        instance_id = data.draw(st.sampled_from(self.idle()))
        self.do(lambda: self.gate.submit(Load(instance_id, function, tier)))

    @precondition(lambda self: len(self.runs) < len(INSTANCES))
    @rule(data=st.data(), function=functions)
    def offload(self, data: st.DataObject, function: str) -> None:
        instance_id = data.draw(st.sampled_from(self.idle()))
        self.do(lambda: self.gate.submit(Offload(instance_id, function)))

    @precondition(lambda self: len(self.runs) < len(INSTANCES))
    @rule(data=st.data(), function=functions, tier=tiers, keep=st.frozensets(functions))
    def call(self, data: st.DataObject, function: str, tier: Tier, keep: frozenset[str]) -> None:
        instance_id = data.draw(st.sampled_from(self.idle()))
        self.calls += 1
        run = Run(f"c{self.calls}", instance_id, function, tier, FOREVER_S, keep)
        self.runs[instance_id] = run
        self.do(lambda: self.gate.submit(run))

    @precondition(lambda self: self.runs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        run = self.runs[data.draw(st.sampled_from(sorted(self.runs)))]
        self.do(lambda: self.gate.submit(CancelRun(run.invocation_id, run.instance_id)))

    @precondition(lambda self: any(self.orders.values()))
    @rule(data=st.data(), count=st.integers(1, 4), fails=st.sampled_from([False, False, True]))
    def obey(self, data: st.DataObject, count: int, fails: bool) -> None:
        """Let an instance carry out the first of its orders."""
        waiting = [name for name, orders in self.orders.items() if orders]
        orders = self.orders[data.draw(st.sampled_from(waiting))]
        while orders and count:
            count -= 1
            order = orders.popleft()
            self.do(partial(self.carry_out, order, fails=fails))

    @precondition(lambda self: self.there)
    @rule(data=st.data())
    def dies(self, data: st.DataObject) -> None:
        self.die(data.draw(st.sampled_from(sorted({name for name, _ in self.there}))))

    def die(self, instance_id: str) -> None:
        self.orders[instance_id].clear()
        self.runs.pop(instance_id, None)
        self.forget(instance_id, NEED_BYTES)
        self.do(lambda: self.gate.happened(ev.InstanceGone(0.0, instance_id, "it died")))
        self.do(lambda: self.gate.submit(StartInstance(instance_id, "w", "o", 1, gpu="k")))

    @invariant()
    def no_more_is_on_the_gpu_than_it_has(self) -> None:
        held = (NEED_BYTES[function] for (_, function), tier in self.there.items() if tier == "gpu")
        assert sum(held) <= TOTAL_BYTES

    @invariant()
    def a_call_waits_only_for_what_an_instance_has_still_to_do(self) -> None:
        if not any(self.orders.values()):
            assert not self.runs

    def idle(self) -> list[str]:
        return [name for name in INSTANCES if name not in self.runs]

    def forget(self, instance_id: str, names: Collection[str]) -> None:
        for name in names:
            self.there.pop((instance_id, name), None)

    def carry_out(self, order: RuntimeAction, *, fails: bool) -> None:
        match order:
            case Load(instance_id=id_, function=function, tier=tier) if fails:
                self.forget(id_, [function])
                self.gate.happened(ev.LoadFailed(0.0, id_, function, "it raised", blame=True))
            case Load(instance_id=id_, function=function, tier=tier):
                self.there[id_, function] = tier
                report = ev.LoadReport(0.1, 0.1, 1)
                self.gate.happened(ev.Loaded(0.0, id_, function, tier, report))
            case Offload(instance_id=id_, function=function):
                self.forget(id_, [function])
                self.gate.happened(ev.Offloaded(0.0, id_, function))
            case Run():
                self.serve(order, fails=fails)

    def serve(self, run: Run, *, fails: bool) -> None:
        id_ = run.instance_id
        for one, name in list(self.there):
            if one == id_ and name != run.function and name not in run.keep:
                self.forget(id_, [name])
                self.gate.happened(ev.Offloaded(0.0, id_, name))
        self.there[id_, run.function] = run.tier
        self.no_more_is_on_the_gpu_than_it_has()
        self.gate.happened(ev.Started(0.0, run.invocation_id, id_, None, run.tier))
        del self.runs[id_]
        if fails:
            self.forget(id_, [run.function])
            kind = ev.FailureKind.CRASH
            self.gate.happened(ev.Failed(0.0, run.invocation_id, id_, kind, "it died"))
        else:
            self.gate.happened(ev.Completed(0.0, run.invocation_id, id_))

    def teardown(self) -> None:
        for name in INSTANCES:
            self.die(name)
        assert self.keeper.ledger.free_bytes("k") == TOTAL_BYTES
        self.loop.run_until_complete(self.gate.close())
        self.loop.close()


GateWorld.TestCase.settings = settings(max_examples=100, stateful_step_count=50)
TestGateWorld = GateWorld.TestCase
