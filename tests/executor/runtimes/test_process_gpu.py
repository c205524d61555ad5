"""Functions on a GPU that is not there, under processes, ledger and driver library that are."""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from executor import events as ev
from executor.actions import CancelRun, Load, StartInstance, StopInstance
from executor.domain import Tier
from executor.gpu.daemons import Daemons
from executor.gpu.keeper import Keeper
from executor.gpu.mps import Share
from executor.units import GIB, MIB
from tests.executor.gpu.fakes import (
    CONTEXT_MIB,
    GPU,
    NETWORK,
    SHIM,
    FakeGpus,
    control_program,
    opened,
)
from tests.executor.runtimes.worlds import LIMIT_BYTES, World, sharing, world

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Site(NamedTuple):
    world: World
    gpus: FakeGpus
    keeper: Keeper

    async def answer(self, function: str, tier: Tier, instance_id: str = "i1") -> str:
        """Call a function and return where it says to be."""
        self.world.run(function, tier=tier, instance_id=instance_id)
        await self.world.expect(ev.Started)
        return await self.completed()

    async def completed(self) -> str:
        return (await self.outputs())[0]

    async def outputs(self) -> list[str]:
        await self.world.expect(ev.Completed)
        answer = self.world.calls.close("c1")
        assert answer is not None
        return [str(one) for one in json.loads(answer.header)["outputs"][0]["data"]]

    def holds_mib(self) -> int:
        return self.keeper.accounts()[GPU].ours_bytes // MIB


@pytest.fixture
async def site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anyio_backend: str
) -> AsyncIterator[Site]:
    with opened(tmp_path, monkeypatch) as (gpus, keeper):
        packages = [
            gpus.package("f", tmp_path),
            gpus.package("g", tmp_path),
            gpus.package("big", tmp_path, gpu_mib=700),
            gpus.package("tidy", tmp_path, left_mib=CONTEXT_MIB),
            gpus.package("leaky", tmp_path, left_mib=CONTEXT_MIB + 1),
        ]
        made = world(packages, tmp_path / "state", isolate=False, gpus={"w": keeper})
        async with made as opened_world:
            yield Site(opened_world, gpus, keeper)


async def test_a_function_sees_its_gpu_and_no_other(site: Site) -> None:
    await site.world.start(gpu=GPU)
    assert await site.answer("f", Tier.GPU) == f"gpu on {GPU}"
    await site.world.start(instance_id="i2")
    assert await site.answer("g", Tier.GPU, "i2") == "host on "


async def test_nothing_is_loaded_to_a_full_gpu_and_the_controller_hears_what_there_is(
    site: Site,
) -> None:
    await site.world.start(gpu=GPU)
    await site.world.load("big", Tier.GPU)
    await site.world.start(instance_id="i2", gpu=GPU)
    site.gpus.say(foreign_mib=100)
    site.world.submit(Load("i2", "f", Tier.GPU))
    measured = await site.world.expect(ev.GpusMeasured)
    assert measured.budget_bytes == {GPU: 896 * MIB}
    assert (await site.world.expect(ev.Loaded)).tier is Tier.HOST


async def test_a_call_waits_for_the_model_that_gives_way_which_stays_in_memory(site: Site) -> None:
    await site.world.start(gpu=GPU)
    await site.world.start(instance_id="i2", gpu=GPU)
    await site.world.load("f", Tier.GPU)
    site.world.submit(Load("i1", "f", Tier.HOST))
    site.world.run("big", tier=Tier.GPU, instance_id="i2")
    moved = await site.world.expect(ev.Loaded)
    assert (moved.instance_id, moved.function, moved.tier) == ("i1", "f", Tier.HOST)
    assert (await site.world.expect(ev.Started)).tier is Tier.GPU
    assert await site.completed() == f"gpu on {GPU}"
    site.world.run("f")
    assert (await site.world.expect(ev.Started)).report is None
    assert await site.completed() == f"host on {GPU}"


async def test_a_call_that_nothing_gives_way_to_is_served_from_memory(site: Site) -> None:
    await site.world.start(gpu=GPU)
    await site.world.start(instance_id="i2", gpu=GPU)
    await site.world.load("big", Tier.GPU)
    assert await site.answer("f", Tier.GPU, "i2") == f"host on {GPU}"
    assert site.holds_mib() == 700


async def test_what_a_call_takes_away_makes_room_for_it(site: Site) -> None:
    await site.world.start(gpu=GPU)
    await site.world.load("big", Tier.GPU)
    site.world.run("f", tier=Tier.GPU)
    assert (await site.world.expect(ev.Offloaded)).function == "big"
    assert (await site.world.expect(ev.Started)).tier is Tier.GPU
    assert await site.completed() == f"gpu on {GPU}"


async def test_a_call_that_is_cancelled_while_it_waits_has_ended(site: Site) -> None:
    await site.world.start(gpu=GPU)
    await site.world.start(instance_id="i2", gpu=GPU)
    await site.world.load("f", Tier.GPU)
    site.world.submit(Load("i1", "f", Tier.HOST))
    site.world.run("big", tier=Tier.GPU, instance_id="i2")
    site.world.submit(CancelRun("c1", "i2"))
    seen = [await site.world.expect((ev.Loaded, ev.Failed)) for _ in range(2)]
    (failed,) = [one for one in seen if isinstance(one, ev.Failed)]
    assert failed.kind is ev.FailureKind.CANCELLED


async def test_cuda_keeps_a_part_for_a_function_that_has_left(site: Site) -> None:
    await site.world.start(gpu=GPU)
    await site.world.load("tidy", Tier.GPU)
    await site.world.load("tidy", Tier.HOST)
    assert site.holds_mib() == CONTEXT_MIB
    assert site.keeper.ledger.free_bytes(GPU) == (1000 - CONTEXT_MIB) * MIB


async def test_a_function_that_keeps_its_memory_has_its_process_ended(site: Site) -> None:
    await site.world.start(gpu=GPU)
    await site.world.load("leaky", Tier.GPU)
    site.world.submit(Load("i1", "leaky", Tier.HOST))
    failed = await site.world.expect(ev.LoadFailed)
    assert "kept its memory" in failed.error
    assert not failed.blame
    assert site.holds_mib() == 0
    await site.world.load("leaky", Tier.GPU)


async def test_what_other_programs_take_shrinks_the_budget(site: Site) -> None:
    site.gpus.say(foreign_mib=400)
    told = await site.world.expect(ev.GpusMeasured)
    assert told.budget_bytes == {GPU: 592 * MIB}


async def test_a_faulty_gpu_takes_no_loads_and_lets_its_functions_go(site: Site) -> None:
    await site.world.start(gpu=GPU)
    await site.world.load("f", Tier.GPU)
    site.gpus.say("errors 3")
    assert (await site.world.expect(ev.GpusMeasured)).budget_bytes == {GPU: 0}
    assert "3 memory errors" in site.keeper.accounts()[GPU].fault
    await site.world.load("f", Tier.HOST)
    site.world.submit(Load("i1", "g", Tier.GPU))
    assert (await site.world.expect(ev.Loaded)).tier is Tier.HOST


async def test_a_lost_gpu_costs_its_functions_their_processes(site: Site) -> None:
    await site.world.start(gpu=GPU)
    await site.world.load("f", Tier.GPU)
    site.gpus.say("lost")
    assert (await site.world.expect(ev.GpusMeasured)).budget_bytes == {GPU: 0}
    site.world.submit(Load("i1", "f", Tier.HOST))
    assert (await site.world.expect(ev.LoadFailed)).function == "f"


async def test_an_instance_that_ends_gives_all_of_its_memory_back(site: Site) -> None:
    await site.world.start(gpu=GPU)
    await site.world.load("f", Tier.GPU)
    site.world.submit(StopInstance("i1"))
    await site.world.expect(ev.Offloaded)
    await site.world.expect(ev.InstanceGone)
    assert site.keeper.ledger.free_bytes(GPU) == 1000 * MIB


async def test_functions_that_a_fault_ends_give_theirs_back_too(site: Site) -> None:
    await site.world.start(gpu=GPU)
    await site.world.load("f", Tier.GPU)
    site.world.kill()
    assert (await site.world.expect(ev.InstanceGone)).error
    assert site.keeper.ledger.free_bytes(GPU) == 1000 * MIB


async def test_functions_are_clients_of_their_owners_mps_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemons = Daemons(Share(50, MIB), tmp_path / "mps", control_program(tmp_path / "bin"))
    with opened(tmp_path, monkeypatch, {"w": daemons}) as (gpus, keeper):
        packages = [gpus.package("f", tmp_path)]
        made = world(packages, tmp_path / "state", isolate=False, gpus={"w": keeper})
        async with made as here:
            await here.start(gpu=GPU)
            assert (daemons.pipes(GPU, "o") / "threads").read_text() == "50.0"
            here.run("f", tier=Tier.GPU)
            await here.expect(ev.Started)
            await here.expect(ev.Completed)
            answer = here.calls.close("c1")
            assert answer is not None
            found = json.loads(answer.header)["outputs"][0]["data"]
            assert found == [f"gpu on {GPU}", str(daemons.pipes(GPU, "o"))]
    await daemons.close()


async def test_an_instance_whose_mps_daemon_does_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemons = Daemons(Share(50, MIB), tmp_path / "mps", {"PATH": str(tmp_path)})
    with opened(tmp_path, monkeypatch, {"w": daemons}) as (gpus, keeper):
        packages = [gpus.package("f", tmp_path)]
        made = world(packages, tmp_path / "state", isolate=False, gpus={"w": keeper})
        async with made as here:
            here.submit(StartInstance("i1", "w", "o", LIMIT_BYTES, gpu=GPU))
            gone = await here.expect(ev.InstanceGone)
            assert gone.error == "no program nvidia-cuda-mps-control on the PATH"


QUIET = """
import os

def load():
    return "host"

def to_gpu(model):
    return "gpu"

def to_host(model):
    return "host"

def predict(model, request):
    return {"y": [f"{model} on {os.environ['CUDA_VISIBLE_DEVICES']} as {os.getuid()}"]}
"""


@pytest.mark.parametrize("libraries", [(), ("decimal",)])
async def test_isolated_and_forked_functions_move_too(
    libraries: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, monkeypatch) as (gpus, keeper):
        package = gpus.package("f", tmp_path, code=QUIET)
        package = sharing(package, *libraries) if libraries else package
        own = {**package.environment, "CUDA_VISIBLE_DEVICES": "GPU-9"}
        packages = [replace(package, environment=own)]
        async with world(packages, tmp_path / "state", gpus={"w": keeper}) as here:
            site = Site(here, gpus, keeper)
            await here.start(gpu=GPU)
            await here.load("f", Tier.GPU)
            await here.load("f", Tier.HOST)
            said = await site.answer("f", Tier.GPU)
            assert said.startswith(f"gpu on {GPU} as ")
            assert os.getuid() != 0 or not said.endswith(" as 0")


@pytest.mark.torch
async def test_a_network_of_torch_goes_there_and_back_by_the_sdk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    with opened(tmp_path, monkeypatch) as (gpus, keeper):
        packages = [gpus.package("f", tmp_path, code=SHIM + NETWORK, memory_limit_bytes=GIB)]
        made = world(packages, tmp_path / "state", isolate=False, gpus={"w": keeper})
        async with made as here:
            site = Site(here, gpus, keeper)
            await here.start(limit_bytes=GIB, gpu=GPU)
            said, held_mib = [], []
            for tier in (Tier.HOST, Tier.GPU, Tier.HOST):
                await here.load("f", tier)
                here.run("f", tier=tier)
                await here.expect(ev.Started)
                said.append((await site.outputs())[1:])
                held_mib.append(site.holds_mib())
            (at_home, there, back) = said
            assert at_home == back
            assert at_home[0] == there[0]
            assert at_home[1] != there[1]
            assert held_mib == [0, 64, 0]
