"""The gate alone, before instances that do nothing."""

import asyncio
from collections.abc import Collection
from pathlib import Path

import pytest

from executor import events as ev
from executor.actions import (
    CancelRun,
    Load,
    Offload,
    Run,
    RuntimeAction,
    StartInstance,
    StopInstance,
)
from executor.domain import Instance, InstanceState, Residency, ResidencyState, Tier
from executor.gpu.keeper import GpuSettings, Keeper
from executor.gpu.usage import Device, Usage
from executor.runtimes.gpu_gate import GpuGate
from executor.runtimes.gpu_unloads import Means

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024
NEED_BYTES = {"f": 400 * MIB, "g": 400 * MIB, "big": 900 * MIB}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Gauge:
    """A GPU of 1000 MiB, on which nothing is ever seen."""

    def devices(self) -> list[Device]:
        return [Device("k", "Fake")]

    def usage(self, uuid: str) -> Usage:
        return Usage(1000 * MIB, 0, 0, {})

    def fault(self, device: Device) -> str:
        return ""


class Scene:
    """A gate with what it has forwarded and told."""

    def __init__(self) -> None:
        gauge = Gauge()
        self.keeper = Keeper(gauge, gauge.devices(), GpuSettings())
        self.forwarded: list[RuntimeAction] = []
        self.told: list[ev.Event] = []
        means = Means(
            NEED_BYTES.__getitem__,
            self.forwarded.append,
            self._pids,
            asyncio.get_running_loop().time,
            self.told.append,
        )
        self.gate = GpuGate({"w": self.keeper}, means)
        for name in ("i1", "i2"):
            self.gate.submit(StartInstance(name, "w", "o", MIB, gpu="k"))
        self.forwarded.clear()

    def _pids(self, instances: Collection[str]) -> dict[str, list[int]]:
        return {name: [] for name in instances}

    def load(self, function: str, tier: Tier = Tier.GPU, instance_id: str = "i1") -> None:
        self.gate.submit(Load(instance_id, function, tier))

    def loaded(self, function: str) -> None:
        """Load a function to the GPU of ``i1``."""
        self.load(function)
        self.gate.happened(ev.Loaded(0.0, "i1", function, Tier.GPU, ev.LoadReport(0.1, 0.1, MIB)))
        self.told.clear()

    def run(self, function: str, instance_id: str = "i1", timeout_s: float = 60.0) -> None:
        deadline_s = asyncio.get_running_loop().time() + timeout_s
        self.gate.submit(Run("c", instance_id, function, Tier.GPU, deadline_s))

    def tiers(self) -> list[Tier]:
        loads = [one for one in self.forwarded if isinstance(one, Load | Run)]
        return [one.tier for one in loads]

    def free_mib(self) -> int:
        return self.keeper.ledger.free_bytes("k") // MIB


@pytest.fixture
async def scene(anyio_backend: str, tmp_path: Path):  # type: ignore[no-untyped-def]
    made = Scene()
    yield made
    await made.gate.close()


async def test_memory_is_reserved_before_a_load_begins(scene: Scene) -> None:
    for function in ("f", "g", "big"):
        scene.load(function)
    assert scene.tiers() == [Tier.GPU, Tier.GPU, Tier.HOST]
    assert scene.free_mib() == 200


async def test_a_failed_load_gives_its_reservation_back(scene: Scene) -> None:
    scene.load("f")
    scene.gate.happened(ev.LoadFailed(0.0, "i1", "f", "it raised", blame=True))
    assert scene.free_mib() == 1000


async def test_a_call_gets_the_room_of_those_that_it_takes_away(scene: Scene) -> None:
    scene.load("f")
    scene.run("big")
    assert scene.tiers() == [Tier.GPU, Tier.GPU]
    assert scene.free_mib() == 100


async def test_a_call_waits_for_what_is_being_taken_away(scene: Scene) -> None:
    scene.loaded("f")
    scene.gate.submit(Offload("i1", "f"))
    scene.run("big", "i2")
    assert scene.tiers() == [Tier.GPU]
    scene.gate.happened(ev.Offloaded(0.0, "i1", "f"))
    assert scene.tiers() == [Tier.GPU, Tier.GPU]


async def test_a_call_waits_for_an_instance_that_stops(scene: Scene) -> None:
    scene.loaded("f")
    scene.gate.submit(StopInstance("i1"))
    scene.run("big", "i2")
    assert scene.tiers() == [Tier.GPU]
    scene.gate.happened(ev.InstanceGone(0.0, "i1"))
    assert scene.tiers() == [Tier.GPU, Tier.GPU]


async def test_a_call_waits_for_nothing_that_stays(scene: Scene) -> None:
    scene.load("f")
    scene.run("big", "i2")
    assert scene.tiers() == [Tier.GPU, Tier.HOST]


async def test_a_call_that_dies_gives_its_reservation_back(scene: Scene) -> None:
    scene.run("f")
    failed = ev.Failed(0.0, "c", "i1", ev.FailureKind.CRASH, "it died")
    scene.gate.happened(failed)
    assert scene.told == [failed]
    assert scene.free_mib() == 1000


async def test_the_end_of_an_instance_drops_what_waits_in_it_and_frees_its_memory(
    scene: Scene,
) -> None:
    scene.loaded("f")
    scene.gate.submit(Offload("i1", "f"))
    scene.run("big", "i2")
    scene.gate.happened(ev.InstanceGone(0.0, "i2", "it died"))
    scene.gate.happened(ev.InstanceGone(0.0, "i1", "it died"))
    assert scene.tiers() == [Tier.GPU]
    assert scene.free_mib() == 1000


async def test_what_a_killed_server_has_left_on_a_gpu_is_accounted_for(scene: Scene) -> None:
    residency = Residency("f", Tier.GPU, ResidencyState.READY, MIB, 400 * MIB)
    instance = Instance(
        "i9", "w", "o", "f", MIB, InstanceState.IDLE, 0.0, residencies={"f": residency}, gpu="k"
    )
    scene.gate.happened(ev.InstancesFound(0.0, (instance,), {}))
    assert scene.free_mib() == 600
    scene.gate.happened(ev.Offloaded(1.0, "i9", "f"))
    assert scene.free_mib() == 1000


async def test_a_call_that_has_waited_for_too_long_is_the_instances_to_end(scene: Scene) -> None:
    scene.loaded("f")
    scene.gate.submit(Offload("i1", "f"))
    scene.run("big", "i2", timeout_s=0.0)
    assert scene.tiers() == [Tier.GPU]
    while len(scene.tiers()) < 2:
        await asyncio.sleep(0)
    assert scene.tiers() == [Tier.GPU, Tier.HOST]


async def test_a_cancelled_call_that_waits_is_the_instances_to_end(scene: Scene) -> None:
    scene.loaded("f")
    scene.gate.submit(Offload("i1", "f"))
    scene.run("big", "i2")
    scene.gate.submit(CancelRun("c", "i2"))
    assert scene.tiers() == [Tier.GPU, Tier.HOST]
    assert scene.forwarded[-1] == CancelRun("c", "i2")


async def test_a_reservation_is_for_the_next_order_while_there_is_one(scene: Scene) -> None:
    scene.load("f")
    scene.gate.submit(Offload("i1", "f"))
    scene.run("f")
    scene.gate.happened(ev.LoadFailed(0.0, "i1", "f", "taken away", blame=False))
    scene.gate.happened(ev.Offloaded(0.0, "i1", "f"))
    assert scene.free_mib() == 600
    scene.gate.happened(ev.Failed(0.0, "c", "i1", ev.FailureKind.LOAD, "it raised"))
    assert scene.free_mib() == 1000
