import gzip
import zlib
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive

from executor.gateway.body import ClientGone, read_body
from executor.gateway.errors import ClientError

pytestmark = pytest.mark.anyio

LIMIT_BYTES = 1000

ZIPPED = gzip.compress(b"abc", mtime=0)
"""The same in every process, since it names tests."""


def receiving(*chunks: bytes, whole: bool = True) -> Receive:
    messages: Iterable[Message] = [
        {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - whole}
        for index, chunk in enumerate(chunks)
    ]
    queue = [*messages, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return queue.pop(0)

    return receive


async def test_chunks_are_joined() -> None:
    assert await read_body(receiving(b"ab", b"", b"c"), {}, LIMIT_BYTES) == b"abc"


async def test_a_body_of_just_the_limit_is_taken() -> None:
    body = bytes(LIMIT_BYTES)
    assert await read_body(receiving(body), {b"content-length": b"1000"}, LIMIT_BYTES) == body


async def test_an_announced_size_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(ClientError, match="limit of 1000 B") as raised:
        await read_body(receiving(), {b"content-length": b"1001"}, LIMIT_BYTES)
    assert raised.value.status == 413


async def test_a_stream_over_the_limit_is_refused() -> None:
    with pytest.raises(ClientError) as raised:
        await read_body(receiving(bytes(999), b"ab", whole=False), {}, LIMIT_BYTES)
    assert raised.value.status == 413


async def test_a_client_that_goes_away_is_told_apart() -> None:
    with pytest.raises(ClientGone):
        await read_body(receiving(b"half", whole=False), {}, LIMIT_BYTES)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [(b"gzip", ZIPPED), (b"deflate", zlib.compress(b"abc")), (b"identity", b"abc")],
)
async def test_encodings_are_undone(encoding: bytes, body: bytes) -> None:
    headers = {b"content-encoding": encoding}
    assert await read_body(receiving(body), headers, LIMIT_BYTES) == b"abc"


async def test_a_bomb_is_refused() -> None:
    body = gzip.compress(bytes(100_000))
    with pytest.raises(ClientError) as raised:
        await read_body(receiving(body), {b"content-encoding": b"gzip"}, LIMIT_BYTES)
    assert raised.value.status == 413


@pytest.mark.parametrize("body", [b"abc", ZIPPED[:-1], ZIPPED + b"x"])
async def test_what_is_not_gzip_is_refused(body: bytes) -> None:
    with pytest.raises(ClientError) as raised:
        await read_body(receiving(body), {b"content-encoding": b"gzip"}, LIMIT_BYTES)
    assert raised.value.status == 400


async def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(ClientError, match="'br'") as raised:
        await read_body(receiving(b"abc"), {b"content-encoding": b"br"}, LIMIT_BYTES)
    assert raised.value.status == 415


@given(st.binary(max_size=50))
async def test_no_bytes_as_gzip_do_more_than_be_refused(body: bytes) -> None:
    with suppress(ClientError):
        await read_body(receiving(body), {b"content-encoding": b"gzip"}, LIMIT_BYTES)
