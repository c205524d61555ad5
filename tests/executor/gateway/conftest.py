from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry

from executor.gateway.app import Gateway
from tests.executor.gateway.fakes import ECHO, PLAIN, FakeBackend

BODY_LIMIT_BYTES = 4096


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def backend(anyio_backend: str) -> FakeBackend:
    return FakeBackend(ECHO, PLAIN)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def gateway(backend: FakeBackend, registry: CollectorRegistry) -> Gateway:
    ticks = iter(range(1_000_000))
    return Gateway(backend, registry, lambda: float(next(ticks)), BODY_LIMIT_BYTES, "1.2.3")


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(gateway, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client
