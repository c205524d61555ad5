import asyncio

import pytest

from executor.gateway.in_flight import InFlight

pytestmark = pytest.mark.anyio

LONG_S = 60.0


async def test_without_calls_it_closes_at_once() -> None:
    in_flight = InFlight()
    await in_flight.close(LONG_S)
    assert in_flight.closing


async def test_closing_waits_for_calls_to_end() -> None:
    in_flight = InFlight()
    gate = asyncio.Event()
    call = in_flight.start(gate.wait())
    closing = asyncio.create_task(in_flight.close(LONG_S))
    await asyncio.sleep(0)
    assert in_flight.closing
    assert not closing.done()
    gate.set()
    await closing
    assert call.result() is True


async def test_calls_that_outlast_the_grace_are_cancelled() -> None:
    in_flight = InFlight()
    call = in_flight.start(asyncio.Event().wait())
    await in_flight.close(0.0)
    assert call.cancelled()
