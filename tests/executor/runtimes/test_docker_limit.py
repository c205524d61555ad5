"""The limit that follows the call."""

import asyncio

import pytest

from executor.runtimes.docker.limit import MemoryLimit


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_limits_change_one_at_a_time_and_the_last_one_wins() -> None:
    asked: list[int] = []
    gate = asyncio.Event()

    async def change(limit_bytes: int) -> None:
        asked.append(limit_bytes)
        await gate.wait()

    limit = MemoryLimit(10, change)
    limit.set(10)
    await limit.settled()
    limit.set(5)
    await asyncio.sleep(0)
    for wanted in (7, 8, 9):
        limit.set(wanted)
    assert asked == [5]
    gate.set()
    await limit.settled()
    assert asked == [5, 9]
