"""A client that is not ours, unmodified, against a server in a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
import uvloop
from prometheus_client import CollectorRegistry
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException

from executor.clock import Clock
from executor.gateway.app import Gateway
from executor.gateway.server import serve
from tests.executor.gateway.fakes import ECHO, PLAIN, FakeBackend

X = np.array([[1.5, -2.0], [0.0, 3.25]], dtype=np.float32)
WORDS = np.array([b"head", "stärt".encode(), b""], dtype=np.object_)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    bound: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    clock: Clock = lambda: 0.0  # noqa: E731

    async def run() -> None:
        gateway = Gateway(FakeBackend(ECHO, PLAIN), CollectorRegistry(), clock, 1 << 20, "1.2.3")
        stop = asyncio.Event()
        async with serve(gateway, "127.0.0.1", 0, 60.0) as port:
            bound.set_result((port, asyncio.get_running_loop(), stop))
            await stop.wait()

    def main() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())

    thread = threading.Thread(target=main)
    thread.start()
    port, loop, stop = bound.result(timeout=60)
    yield port
    loop.call_soon_threadsafe(stop.set)
    thread.join()


@pytest.fixture
def client(port: int) -> Iterator[Any]:
    client = triton.InferenceServerClient(f"127.0.0.1:{port}")
    yield client
    client.close()


def inputs(*, binary: bool) -> list[Any]:
    x = triton.InferInput("x", list(X.shape), "FP32").set_data_from_numpy(X, binary)
    words = triton.InferInput("words", list(WORDS.shape), "BYTES")
    return [x, words.set_data_from_numpy(WORDS, binary)]


def outputs(*, binary: bool) -> list[Any]:
    return [triton.InferRequestedOutput(f"{name}_out", binary) for name in ("x", "words")]


def words_of(result: Any) -> list[bytes]:
    """BYTES come as bytes from binary answers and as text from JSON ones."""
    values = result.as_numpy("words_out").tolist()
    return [value.encode() if isinstance(value, str) else value for value in values]


def test_health_and_metadata(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.get_server_metadata()["name"] == "headstart"
    metadata = client.get_model_metadata("echo")
    assert [tensor["name"] for tensor in metadata["inputs"]] == ["x", "words"]
    assert client.get_model_metadata("echo", "1") == metadata


def test_list_load_and_unload(client: Any) -> None:
    assert client.is_model_ready("plain")
    client.unload_model("plain")
    assert not client.is_model_ready("plain")
    states = {line["name"]: line["state"] for line in client.get_model_repository_index()}
    assert states == {"echo": "READY", "plain": "UNAVAILABLE"}
    client.load_model("plain")
    assert client.is_model_ready("plain", "1")


@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_infer(client: Any, binary_in: bool, binary_out: bool, compression: str | None) -> None:
    result = client.infer(
        "echo",
        inputs(binary=binary_in),
        outputs=outputs(binary=binary_out),
        request_id="r7",
        request_compression_algorithm=compression,
        response_compression_algorithm=compression,
    )
    assert result.get_response()["id"] == "r7"
    np.testing.assert_array_equal(result.as_numpy("x_out"), X)
    assert words_of(result) == WORDS.tolist()


def test_infer_without_naming_outputs_gives_binary(client: Any) -> None:
    result = client.infer("echo", inputs(binary=True), model_version="1", timeout=5_000_000)
    assert "data" not in result.get_output("x_out")
    np.testing.assert_array_equal(result.as_numpy("x_out"), X)


def test_infer_with_empty_tensors(client: Any) -> None:
    empty = np.zeros((0, 2), dtype=np.float32)
    x = triton.InferInput("x", [0, 2], "FP32").set_data_from_numpy(empty)
    words = triton.InferInput("words", [0], "BYTES")
    words.set_data_from_numpy(np.array([], dtype=np.object_))
    result = client.infer("echo", [x, words])
    assert result.as_numpy("x_out").shape == (0, 2)


def test_many_calls_at_once(port: int) -> None:
    with triton.InferenceServerClient(f"127.0.0.1:{port}", concurrency=8) as client:
        calls = [client.async_infer("echo", inputs(binary=True)) for _ in range(50)]
        for call in calls:
            np.testing.assert_array_equal(call.get_result().as_numpy("x_out"), X)


@pytest.mark.parametrize(
    ("model", "status", "message"),
    [("nope", "404", "no model 'nope'"), ("plain", "400", "inputs[0].datatype of 'x' is 'FP32'")],
)
def test_errors_are_understood(client: Any, model: str, status: str, message: str) -> None:
    with pytest.raises(InferenceServerException) as raised:
        client.infer(model, inputs(binary=True)[:1])
    assert raised.value.status() == status
    assert message in raised.value.message()
