"""Answers in parts: what a client that accepts events gets, and all that can go wrong with it."""

from typing import Any

import httpx
import orjson
import pytest

from executor.calls import Payload
from executor.errors import FunctionFailed
from tests.executor.gateway.conftest import BODY_LIMIT_BYTES
from tests.executor.gateway.fakes import FakeBackend

pytestmark = pytest.mark.anyio

URL = "/v2/models/plain/infer"
REQUEST = {"inputs": [{"name": "x", "datatype": "INT32", "shape": [1], "data": [1]}]}
EVENTS = {"accept": "text/event-stream"}
PARTS = [Payload(b'{"outputs":[1]}'), Payload(b'{"outputs":[2]}')]


def events(answer: httpx.Response) -> list[tuple[str, Any]]:
    """Read the events of an answer: kind and data."""
    found = []
    for text in answer.text.removesuffix("\n\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in text.split("\n"))
        found.append((fields.get("event", "message"), orjson.loads(fields["data"])))
    return found


async def test_parts_come_as_events_and_then_how_they_came_about(
    client: httpx.AsyncClient, backend: FakeBackend
) -> None:
    backend.parts = PARTS
    answer = await client.post(URL, json=REQUEST, headers=EVENTS)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"
    *parts, end = events(answer)
    assert parts == [("message", {"outputs": [1]}), ("message", {"outputs": [2]})]
    assert end[0] == "end"
    assert end[1]["headstart-start-kind"] == "host"
    assert end[1]["headstart-instance"] == "i7"


async def test_an_answer_in_one_piece_is_one_event(client: httpx.AsyncClient) -> None:
    answer = await client.post(URL, json=REQUEST, headers=EVENTS)
    (kind, data), (last, _) = events(answer)
    assert (kind, last) == ("message", "end")
    assert data["outputs"][0]["data"] == [1]


async def test_an_error_before_the_first_part_has_its_status(
    client: httpx.AsyncClient, backend: FakeBackend
) -> None:
    backend.error = FunctionFailed("no cat")
    answer = await client.post(URL, json=REQUEST, headers=EVENTS)
    assert (answer.status_code, answer.json()) == (500, {"error": "no cat"})


async def test_an_error_after_a_part_is_the_last_event(
    client: httpx.AsyncClient, backend: FakeBackend
) -> None:
    backend.parts, backend.error = PARTS[:1], FunctionFailed("no cat")
    answer = await client.post(URL, json=REQUEST, headers=EVENTS)
    assert answer.status_code == 200
    assert events(answer) == [("message", {"outputs": [1]}), ("error", {"error": "no cat"})]


async def test_binary_parts_are_refused(client: httpx.AsyncClient, backend: FakeBackend) -> None:
    backend.parts = [Payload(b"{}", b"binary")]
    backend.gate.clear()
    answer = await client.post(URL, json=REQUEST, headers=EVENTS)
    assert answer.status_code == 400
    assert "binary tensors do not go with text/event-stream" in answer.json()["error"]
    await backend.withdrawn.wait()


async def test_a_client_that_is_too_far_behind_loses_its_call(
    client: httpx.AsyncClient, backend: FakeBackend
) -> None:
    backend.parts = [Payload(b" " * (BODY_LIMIT_BYTES // 2))] * 3
    backend.gate.clear()
    answer = await client.post(URL, json=REQUEST, headers=EVENTS)
    assert answer.text.count("data: ") == 2
    assert "bytes behind" in answer.text
    await backend.withdrawn.wait()
