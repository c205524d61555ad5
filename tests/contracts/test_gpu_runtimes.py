"""What every runtime with GPUs keeps to; see ``executor.runtimes.protocol``."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import pytest

from executor import events as ev
from executor.actions import Load, Offload, Run, StartInstance
from executor.domain import Tier
from tests.contracts.runtimes import WITH_GPUS, Harness
from tests.executor.gpu.fakes import GPU
from tests.executor.runtimes.worlds import LIMIT_BYTES, request

pytestmark = pytest.mark.anyio

Kind = TypeVar("Kind", bound=ev.Event)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=list(WITH_GPUS))
async def harness(
    request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str
) -> AsyncIterator[Harness]:
    async with WITH_GPUS[request.param](tmp_path) as made:
        yield made


async def expect(harness: Harness, kind: type[Kind]) -> Kind:
    """Return the next event, which must be of a kind; measurements may come at any time."""
    event = await harness.next_event()
    while isinstance(event, ev.Measured | ev.GpusMeasured):
        event = await harness.next_event()
    assert isinstance(event, kind), event
    return event


async def started(harness: Harness, gpu: str | None = GPU) -> None:
    harness.submit(StartInstance("i1", "w", "o", LIMIT_BYTES, gpu=gpu))
    await expect(harness, ev.InstanceReady)


async def loaded(harness: Harness, tier: Tier, found: Tier | None = None) -> ev.LoadReport:
    harness.submit(Load("i1", "echo", tier))
    event = await expect(harness, ev.Loaded)
    assert (event.instance_id, event.function, event.tier) == ("i1", "echo", found or tier)
    return event.report


async def served(
    harness: Harness, tier: Tier, function: str = "echo", keep: frozenset[str] = frozenset()
) -> ev.Started:
    harness.calls.open("c1", request())
    harness.submit(Run("c1", "i1", function, tier, harness.now_s() + 60.0, keep))
    begun = await expect(harness, ev.Started)
    await expect(harness, ev.Completed)
    harness.calls.close("c1")
    return begun


async def test_a_load_to_the_gpu_says_when_the_function_is_there(harness: Harness) -> None:
    await started(harness)
    report = await loaded(harness, Tier.GPU)
    assert report.import_s > 0
    assert report.move_s > 0
    begun = await served(harness, Tier.GPU)
    assert (begun.tier, begun.report) == (Tier.GPU, None)


async def test_a_loaded_function_moves_there_and_back_and_stays_loaded(harness: Harness) -> None:
    await started(harness)
    for tier in (Tier.HOST, Tier.GPU, Tier.HOST, Tier.GPU, Tier.GPU):
        await loaded(harness, tier)
    assert (await served(harness, Tier.GPU)).report is None


async def test_a_function_that_has_left_the_gpu_serves_from_memory(harness: Harness) -> None:
    await started(harness)
    await loaded(harness, Tier.GPU)
    await loaded(harness, Tier.HOST)
    begun = await served(harness, Tier.HOST)
    assert (begun.tier, begun.report) == (Tier.HOST, None)


async def test_a_call_takes_its_loaded_function_to_the_gpu(harness: Harness) -> None:
    await started(harness)
    await loaded(harness, Tier.HOST)
    begun = await served(harness, Tier.GPU)
    assert (begun.tier, begun.report) == (Tier.GPU, None)


async def test_a_call_loads_its_function_to_the_gpu(harness: Harness) -> None:
    await started(harness)
    begun = await served(harness, Tier.GPU)
    assert begun.tier is Tier.GPU
    assert begun.report is not None
    assert begun.report.move_s > 0


async def test_an_instance_without_a_gpu_has_functions_in_memory(harness: Harness) -> None:
    await started(harness, gpu=None)
    await loaded(harness, Tier.GPU, found=Tier.HOST)
    assert (await served(harness, Tier.GPU)).tier is Tier.HOST


async def test_a_function_on_the_gpu_is_taken_away_as_any_other(harness: Harness) -> None:
    await started(harness)
    await loaded(harness, Tier.GPU)
    harness.submit(Offload("i1", "echo"))
    assert (await expect(harness, ev.Offloaded)).error is None
    await loaded(harness, Tier.GPU)
    harness.calls.open("c1", request())
    harness.submit(Run("c1", "i1", "twin", Tier.GPU, harness.now_s() + 60.0))
    assert (await expect(harness, ev.Offloaded)).function == "echo"
    assert (await expect(harness, ev.Started)).tier is Tier.GPU


async def test_what_a_call_keeps_stays_on_the_gpu(harness: Harness) -> None:
    await started(harness)
    await loaded(harness, Tier.GPU)
    await served(harness, Tier.GPU, "twin", keep=frozenset({"echo"}))
    begun = await served(harness, Tier.GPU, keep=frozenset({"twin"}))
    assert (begun.tier, begun.report) == (Tier.GPU, None)
