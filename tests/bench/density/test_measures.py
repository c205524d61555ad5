"""The measures at their smallest, on real processes."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from bench.density import measures
from bench.density.functions import Way, Workshop
from bench.density.instance import Refused, instance
from executor.units import GIB, MIB

pytestmark = [pytest.mark.torch, pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.mark.parametrize("way", Way)
async def test_a_network_is_loaded_called_and_taken_away_in_both_ways(
    workshop: Workshop, tmp_path: Path, way: Way
) -> None:
    package = workshop.network("one", "googlenet", way)
    name = package.function.name
    shared = way is Way.SHARED
    made = instance([package], tmp_path / "state", 4 * GIB, share_libraries=shared)
    async with made as one:
        assert await one.load(name) > 0
        before = one.held_bytes()
        to_inference_s, to_end_s = await one.call(name)
        assert 0 < to_inference_s < to_end_s
        await one.offload(name)
        assert one.held_bytes() < before


async def test_what_does_not_fit_is_refused(workshop: Workshop, tmp_path: Path) -> None:
    package = workshop.network("one", "googlenet", Way.PRIVATE)
    made = instance([package], tmp_path / "state", 64 * MIB, share_libraries=False)
    async with made as one:
        with pytest.raises(Refused, match="over its memory limit"):
            await one.load(package.function.name)


async def test_calls_are_timed_directly_and_through_the_runtime(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "CALLS_AT_LEAST", 2)
    monkeypatch.setattr(measures, "INPUTS", {"little": 10})
    rows = [row async for row in measures.calls(workshop, 1)]
    assert [(row.way, row.subject) for row in rows] == [
        *[("direct", "little")] * 2,
        *[("runtime", "little")] * 2,
    ]
    assert all(row.value > 0 for row in rows)
