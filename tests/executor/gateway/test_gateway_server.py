"""The gateway behind a real socket, on the loop of the test."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
from prometheus_client import CollectorRegistry

from executor.errors import PermanentFailure
from executor.gateway.app import Gateway
from executor.gateway.server import serve
from tests.executor.gateway.conftest import BODY_LIMIT_BYTES
from tests.executor.gateway.fakes import FakeBackend

pytestmark = pytest.mark.anyio

HOST = "127.0.0.1"
LONG_S = 60.0
PATH = "/v2/models/plain/infer"
REQUEST = {"inputs": [{"name": "x", "datatype": "INT32", "shape": [1], "data": [1]}]}


def client_of(port: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=LONG_S)


async def test_a_free_port_is_found_and_given_back(gateway: Gateway) -> None:
    async with serve(gateway, HOST, 0, LONG_S) as port, client_of(port) as client:
        assert (await client.get("/v2/health/live")).status_code == 200
        assert (await client.post(PATH, json=REQUEST)).status_code == 200
    with socket.create_server((HOST, port)):
        pass


async def test_a_port_in_use_is_an_error(gateway: Gateway) -> None:
    with socket.create_server((HOST, 0)) as taken, pytest.raises(PermanentFailure, match="in use"):
        async with serve(gateway, HOST, taken.getsockname()[1], LONG_S):
            pass


async def test_stopping_lets_calls_end_and_refuses_new_ones(
    gateway: Gateway, backend: FakeBackend
) -> None:
    backend.gate.clear()
    stop = asyncio.Event()

    async def run(started: asyncio.Future[int]) -> None:
        async with serve(gateway, HOST, 0, LONG_S) as port:
            started.set_result(port)
            await stop.wait()

    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(run(started))
    async with client_of(await started) as client:
        slow = asyncio.create_task(client.post(PATH, json=REQUEST))
        await backend.entered.wait()
        stop.set()
        while not gateway.in_flight.closing:
            await asyncio.sleep(0)
        refused = await client.post(PATH, json=REQUEST)
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        assert (await client.get("/v2/health/ready")).status_code == 503
        backend.gate.set()
        assert (await slow).status_code == 200
        await running
        with pytest.raises(httpx.ConnectError):
            await client.get("/v2/health/live")


async def test_calls_that_outlast_the_grace_are_told(
    gateway: Gateway, backend: FakeBackend
) -> None:
    backend.gate.clear()
    async with serve(gateway, HOST, 0, 0.0) as port:
        client = client_of(port)
        slow = asyncio.create_task(client.post(PATH, json=REQUEST))
        await backend.entered.wait()
    assert (await slow).status_code == 503
    assert backend.withdrawn.is_set()
    await client.aclose()


async def test_an_error_within_stops_the_server_and_comes_out(gateway: Gateway) -> None:
    with pytest.raises(RuntimeError, match="of the caller"):
        async with serve(gateway, HOST, 0, LONG_S):
            raise RuntimeError("of the caller")
    assert gateway.in_flight.closing


async def test_a_closed_connection_withdraws_its_call(
    gateway: Gateway, backend: FakeBackend
) -> None:
    backend.gate.clear()
    body = orjson.dumps(REQUEST)
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
    async with serve(gateway, HOST, 0, LONG_S) as port:
        _, writer = await asyncio.open_connection(HOST, port)
        writer.write(head.encode() + body)
        await backend.entered.wait()
        writer.close()
        async with asyncio.timeout(LONG_S):
            await backend.withdrawn.wait()


async def test_too_much_is_413_on_the_wire_and_the_connection_goes_on(gateway: Gateway) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(BODY_LIMIT_BYTES):
            yield bytes(1024)

    async with serve(gateway, HOST, 0, LONG_S) as port, client_of(port) as client:
        assert (await client.post(PATH, content=bytes(1_000_000))).status_code == 413
        assert (await client.post(PATH, content=stream())).status_code == 413
        assert (await client.post(PATH, json=REQUEST)).status_code == 200


async def test_large_tensors_pass_whole(backend: FakeBackend) -> None:
    count = 100_000
    large = Gateway(backend, CollectorRegistry(), lambda: 0.0, 8 * count, "1")
    tensor = {
        "name": "x",
        "datatype": "INT32",
        "shape": [count],
        "parameters": {"binary_data_size": 4 * count},
    }
    header = orjson.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}})
    tail = bytes(range(256)) * (4 * count // 256) + bytes(4 * count % 256)
    async with serve(large, HOST, 0, LONG_S) as port, client_of(port) as client:
        length = {"inference-header-content-length": str(len(header))}
        answer = await client.post(PATH, content=header + tail, headers=length)
    assert answer.content[int(answer.headers["inference-header-content-length"]) :] == tail
