"""All paths but inference: health, models, repository, and what is not there."""

import asyncio
import gzip

import httpx
import pytest

from executor.errors import TemporaryFailure, UnknownFunction
from executor.gateway.app import Gateway
from executor.gateway.health import EXTENSIONS
from tests.executor.gateway.fakes import FakeBackend

pytestmark = pytest.mark.anyio

INDEX = "/v2/repository/index"


async def test_the_server_says_what_it_is(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v2")
    expected = {"name": "headstart", "version": "1.2.3", "extensions": EXTENSIONS}
    assert answer.json() == expected


@pytest.mark.parametrize("lives", [True, False])
async def test_liveness_is_that_of_the_scheduler(
    client: httpx.AsyncClient, backend: FakeBackend, lives: bool
) -> None:
    backend.lives = lives
    answer = await client.get("/v2/health/live")
    assert answer.status_code == (200 if lives else 503)
    assert answer.json() == {"live": lives}


@pytest.mark.parametrize("ready", [True, False])
async def test_readiness_is_that_of_the_backend(
    client: httpx.AsyncClient, backend: FakeBackend, ready: bool
) -> None:
    backend.takes_calls = ready
    answer = await client.get("/v2/health/ready")
    assert answer.status_code == (200 if ready else 503)
    assert answer.json() == {"ready": ready}


async def test_a_stopping_server_lives_but_is_not_ready(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    await gateway.in_flight.close(0.0)
    assert (await client.get("/v2/health/live")).status_code == 200
    assert (await client.get("/v2/health/ready")).status_code == 503


@pytest.mark.parametrize("path", ["/v2/models/echo", "/v2/models/echo/versions/1"])
async def test_a_model_says_what_it_takes_and_gives(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.json() == {
        "name": "echo",
        "versions": ["1"],
        "platform": "headstart_handler",
        "inputs": [
            {"name": "x", "datatype": "FP32", "shape": [-1, 2]},
            {"name": "words", "datatype": "BYTES", "shape": [-1]},
        ],
        "outputs": [
            {"name": "x_out", "datatype": "FP32", "shape": [-1, 2]},
            {"name": "words_out", "datatype": "BYTES", "shape": [-1]},
        ],
    }


@pytest.mark.parametrize("path", ["/v2/models/echo/ready", "/v2/models/echo/versions/1/ready"])
async def test_a_model_is_ready_when_the_index_says_so(
    client: httpx.AsyncClient, backend: FakeBackend, path: str
) -> None:
    assert (await client.get(path)).status_code == 200
    backend.quarantined["echo"] = "ImportError"
    answer = await client.get(path)
    assert answer.status_code == 503
    assert answer.json() == {"name": "echo", "ready": False}


@pytest.mark.parametrize(
    "path",
    [
        "/v2/models/nope",
        "/v2/models/nope/ready",
        "/v2/models/echo/versions/2",
        "/v2/models/echo/versions/2/ready",
        "/v2/health/lively",
        "/v2/",
        "/",
    ],
)
async def test_what_is_not_there_is_404(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("POST", "/v2/health/live", "GET"), ("GET", INDEX, "POST"), ("PUT", "/metrics", "GET")],
)
async def test_another_method_is_405(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == 405
    assert allowed in answer.headers["allow"]
    assert path in answer.json()["error"]


async def test_the_index_lists_every_model(client: httpx.AsyncClient, backend: FakeBackend) -> None:
    backend.quarantined["plain"] = "ImportError: no module named torch"
    answer = await client.post(INDEX)
    assert answer.json() == [
        {"name": "echo", "version": "1", "state": "READY", "reason": ""},
        {
            "name": "plain",
            "version": "1",
            "state": "UNAVAILABLE",
            "reason": "ImportError: no module named torch",
        },
    ]


async def test_the_index_can_leave_out_what_is_not_ready(
    client: httpx.AsyncClient, backend: FakeBackend
) -> None:
    backend.disabled.add("plain")
    some = await client.post(INDEX, json={"ready": True})
    every = await client.post(INDEX, json={"ready": False})
    assert [line["name"] for line in some.json()] == ["echo"]
    assert [line["name"] for line in every.json()] == ["echo", "plain"]


async def test_models_are_switched_off_and_on(
    client: httpx.AsyncClient, backend: FakeBackend
) -> None:
    flags = {"parameters": {"unload_dependents": False}}
    answer = await client.post("/v2/repository/models/echo/unload", json=flags)
    assert (answer.status_code, backend.disabled) == (200, {"echo"})
    answer = await client.post("/v2/repository/models/echo/load")
    assert (answer.status_code, backend.disabled) == (200, set())


@pytest.mark.parametrize("verb", ["load", "unload"])
async def test_switching_what_is_not_there_is_404(client: httpx.AsyncClient, verb: str) -> None:
    answer = await client.post(f"/v2/repository/models/nope/{verb}")
    assert answer.status_code == 404
    assert "'nope'" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "content", "status", "message"),
    [
        (INDEX, b"{", 400, "malformed JSON"),
        (INDEX, b"[]", 400, "expected a JSON object"),
        (INDEX, b'{"ready": 1}', 400, "ready is 1; expected a boolean"),
        ("/v2/repository/models/echo/load", b'{"parameters": {"config": "{}"}}', 400, "config"),
        ("/v2/repository/models/echo/load", b'{"parameters": 1}', 400, "parameters is 1"),
        ("/v2/repository/models/echo/unload", bytes(100_000), 413, "64.0 KiB"),
    ],
)
async def test_wrong_bodies_are_refused(
    client: httpx.AsyncClient, path: str, content: bytes, status: int, message: str
) -> None:
    answer = await client.post(path, content=content)
    assert answer.status_code == status
    assert message in answer.json()["error"]


async def test_compressed_flags_are_taken(client: httpx.AsyncClient) -> None:
    body = gzip.compress(b'{"ready": true}')
    answer = await client.post(INDEX, content=body, headers={"content-encoding": "gzip"})
    assert len(answer.json()) == 2


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (TemporaryFailure("busy", 3.0), 503, "busy"),
        (UnknownFunction("gone"), 404, "gone"),
        (RuntimeError("secret"), 500, "internal error"),
    ],
)
async def test_errors_of_the_backend_are_answered(
    client: httpx.AsyncClient,
    backend: FakeBackend,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    message: str,
) -> None:
    async def fail(function: str) -> None:
        raise error

    monkeypatch.setattr(backend, "enable", fail)
    answer = await client.post("/v2/repository/models/echo/load")
    assert answer.status_code == status
    assert answer.json() == {"error": message}


async def test_a_client_that_goes_away_is_no_error(gateway: Gateway) -> None:
    scope = {"type": "http", "method": "POST", "path": INDEX, "headers": [], "query_string": b""}
    sent: list[object] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        sent.append(message)

    await asyncio.wait_for(gateway(scope, receive, send), 60)
    assert b"error" not in repr(sent).encode()
