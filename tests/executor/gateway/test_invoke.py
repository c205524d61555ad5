import asyncio
import gzip
import struct
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from starlette.types import Message

from executor.errors import (
    DeadlineExceeded,
    FunctionFailed,
    InvocationError,
    Overloaded,
    Rejected,
)
from executor.gateway.app import Gateway
from executor.gateway.invoke import InferPath, infer_path
from tests.executor.gateway.conftest import BODY_LIMIT_BYTES
from tests.executor.gateway.fakes import FakeBackend

pytestmark = pytest.mark.anyio

URL = "/v2/models/plain/infer"
X: dict[str, Any] = {"name": "x", "datatype": "INT32", "shape": [3], "data": [1, 2, 3]}
REQUEST = {"id": "r1", "inputs": [X]}


def requests(registry: CollectorRegistry, function: str, status: str, start_kind: str) -> float:
    labels = {"function": function, "status": status, "start_kind": start_kind}
    return registry.get_sample_value("headstart_requests_total", labels) or 0.0


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v2/models/m/infer", InferPath("m", None)),
        ("/v2/models/m/versions/1/infer", InferPath("m", "1")),
        ("/v2/models/m", None),
        ("/v2/models/m/infer/", None),
        ("/v1/models/m/infer", None),
    ],
)
def test_infer_paths(path: str, expected: InferPath | None) -> None:
    assert infer_path(path) == expected


@pytest.mark.parametrize("url", [URL, "/v2/models/plain/versions/1/infer"])
async def test_json_is_answered_with_json(client: httpx.AsyncClient, url: str) -> None:
    answer = await client.post(url, json=REQUEST)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "inference-header-content-length" not in answer.headers
    assert answer.json() == {
        "id": "r1",
        "model_name": "plain",
        "model_version": "1",
        "outputs": [{"name": "x_out", "datatype": "INT32", "shape": [3], "data": [1, 2, 3]}],
    }


async def test_binary_is_answered_with_binary(client: httpx.AsyncClient) -> None:
    tensor = {key: X[key] for key in ("name", "datatype", "shape")}
    tensor["parameters"] = {"binary_data_size": 12}
    header = orjson.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}})
    tail = struct.pack("<3i", 1, 2, 3)
    length = {"Inference-Header-Content-Length": str(len(header))}
    answer = await client.post(URL, content=header + tail, headers=length)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    size = int(answer.headers["inference-header-content-length"])
    assert answer.content[size:] == tail
    assert orjson.loads(answer.content[:size])["outputs"][0]["parameters"] == {
        "binary_data_size": 12
    }


async def test_the_answer_tells_how_the_call_started(client: httpx.AsyncClient) -> None:
    answer = await client.post(URL, json=REQUEST)
    assert answer.headers["headstart-start-kind"] == "host"
    assert answer.headers["headstart-instance"] == "i7"
    timing = "wait;dur=1.000, loading;dur=250.000, run;dur=4.000"
    assert answer.headers["server-timing"] == timing


async def test_the_timeout_goes_to_the_backend(
    client: httpx.AsyncClient, backend: FakeBackend
) -> None:
    await client.post(URL, json={**REQUEST, "parameters": {"timeout": 2_000_000}})
    await client.post(URL, json=REQUEST)
    assert backend.timeouts == [2.0, None]


async def test_a_compressed_request_is_taken(client: httpx.AsyncClient) -> None:
    body = gzip.compress(orjson.dumps(REQUEST))
    answer = await client.post(URL, content=body, headers={"content-encoding": "gzip"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("url", "model"),
    [("/v2/models/nope/infer", "'nope'"), ("/v2/models/plain/versions/2/infer", "version '2'")],
)
async def test_what_is_not_there_is_404(client: httpx.AsyncClient, url: str, model: str) -> None:
    answer = await client.post(url, json=REQUEST)
    assert answer.status_code == 404
    assert model in answer.json()["error"]


async def test_another_method_is_405(client: httpx.AsyncClient) -> None:
    answer = await client.get(URL)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert "expected POST" in answer.json()["error"]


async def test_malformed_json_is_400(client: httpx.AsyncClient) -> None:
    answer = await client.post(URL, content=b"{,}")
    assert answer.status_code == 400
    assert "line 1 column 2" in answer.json()["error"]


async def test_too_much_is_413_announced_or_not(client: httpx.AsyncClient) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(BODY_LIMIT_BYTES):
            yield b"xx"

    announced = await client.post(URL, content=bytes(BODY_LIMIT_BYTES + 1))
    streamed = await client.post(URL, content=stream())
    assert (announced.status_code, streamed.status_code) == (413, 413)


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (Overloaded("full", 0.5), 429, "1"),
        (Rejected("quarantined", 7.2), 503, "8"),
        (FunctionFailed("it raised"), 500, None),
        (DeadlineExceeded("late"), 504, None),
    ],
)
async def test_errors_of_the_backend_have_their_status(
    client: httpx.AsyncClient,
    backend: FakeBackend,
    registry: CollectorRegistry,
    error: InvocationError,
    status: int,
    retry_after: str | None,
) -> None:
    backend.error = error
    answer = await client.post(URL, json=REQUEST)
    assert answer.status_code == status
    assert answer.json() == {"error": str(error)}
    assert answer.headers.get("retry-after") == retry_after
    assert requests(registry, "plain", str(status), "") == 1


async def test_a_disabled_model_is_404(client: httpx.AsyncClient, backend: FakeBackend) -> None:
    backend.disabled.add("plain")
    answer = await client.post(URL, json=REQUEST)
    assert answer.status_code == 404


async def test_a_bug_is_500_and_tells_nothing(
    backend: FakeBackend, gateway: Gateway, client: httpx.AsyncClient
) -> None:
    backend.error = RuntimeError("secret")
    answer = await client.post(URL, json=REQUEST)
    assert answer.status_code == 500
    assert answer.json() == {"error": "internal error"}
    loud = httpx.ASGITransport(gateway, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=loud, base_url="http://test") as outer:
        with pytest.raises(RuntimeError, match="secret"):
            await outer.post(URL, json=REQUEST)


async def test_calls_are_counted_and_timed(
    client: httpx.AsyncClient, registry: CollectorRegistry
) -> None:
    await client.post(URL, json=REQUEST)
    await client.post("/v2/models/nope/infer", json=REQUEST)
    assert requests(registry, "plain", "200", "host") == 1
    assert requests(registry, "", "404", "") == 1
    latency = registry.get_sample_value("headstart_request_seconds_sum", {"function": "plain"})
    assert latency == 1.0  # the clock of the tests advances by one with each look
    loading = registry.get_sample_value(
        "headstart_loading_seconds_sum", {"function": "plain", "start_kind": "host"}
    )
    assert loading == 0.25


class RawRequest:
    """A request at the level of ASGI, whose client may go away at any time."""

    def __init__(self, body: bytes) -> None:
        self.sent: list[Message] = []
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._messages.put_nowait({"type": "http.request", "body": body, "more_body": False})
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": URL,
            "headers": [],
        }

    def hang_up(self) -> None:
        self._messages.put_nowait({"type": "http.disconnect"})

    async def receive(self) -> Message:
        return await self._messages.get()

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def through(self, gateway: Gateway) -> None:
        await gateway(self.scope, self.receive, self.send)


async def test_a_client_that_goes_away_withdraws_its_call(
    gateway: Gateway, backend: FakeBackend, registry: CollectorRegistry
) -> None:
    backend.gate.clear()
    request = RawRequest(orjson.dumps(REQUEST))
    serving = asyncio.create_task(request.through(gateway))
    await backend.entered.wait()
    request.hang_up()
    await serving
    async with asyncio.timeout(60):
        await backend.withdrawn.wait()
    assert request.sent == []
    assert requests(registry, "plain", "499", "") == 1


async def test_a_stopping_server_takes_no_new_calls(
    gateway: Gateway, client: httpx.AsyncClient, backend: FakeBackend
) -> None:
    await gateway.in_flight.close(0.0)
    answer = await client.post(URL, json=REQUEST)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert backend.timeouts == []


async def test_a_call_cut_off_by_the_stop_is_503(gateway: Gateway, backend: FakeBackend) -> None:
    backend.gate.clear()
    request = RawRequest(orjson.dumps(REQUEST))
    serving = asyncio.create_task(request.through(gateway))
    await backend.entered.wait()
    await gateway.in_flight.close(0.0)
    await serving
    assert backend.withdrawn.is_set()
    assert request.sent[0]["status"] == 503


async def test_a_cancelled_server_cancels_its_calls(gateway: Gateway, backend: FakeBackend) -> None:
    backend.gate.clear()
    request = RawRequest(orjson.dumps(REQUEST))
    serving = asyncio.create_task(request.through(gateway))
    await backend.entered.wait()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    async with asyncio.timeout(60):
        await backend.withdrawn.wait()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=60) | st.just(orjson.dumps(REQUEST)),
    encoding=st.sampled_from([b"gzip", b"deflate", b"identity", b"\xff"]) | st.binary(max_size=4),
    length=st.none() | st.binary(max_size=4),
)
async def test_no_body_is_a_server_error(
    gateway: Gateway, body: bytes, encoding: bytes, length: bytes | None
) -> None:
    request = RawRequest(body)
    request.scope["headers"].append((b"content-encoding", encoding))
    if length is not None:
        request.scope["headers"].append((b"inference-header-content-length", length))
    await request.through(gateway)
    assert request.sent[0]["status"] < 500
