"""Reads the body of a request, bounded in size before and after decompression."""

import asyncio
import zlib
from collections.abc import Mapping

from starlette.types import Receive

from executor.gateway.errors import ClientError
from executor.units import format_bytes

AUTO_WBITS = zlib.MAX_WBITS | 32
"""Makes zlib tell the formats gzip and zlib (HTTP's ``deflate``) apart by their first bytes."""


class ClientGone(Exception):
    """The client closed the connection before it had its answer."""


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limit_bytes: int) -> bytes:
    """Read the whole body, decompressed when its ``Content-Encoding`` says so.

    Raises
    ------
    ClientError
        Status 413 when it is larger than ``limit_bytes``, 415 for an encoding that is not known,
        400 when it is not what its encoding says.
    ClientGone
        When the client closed the connection.
    """
    body = await _read(receive, headers, limit_bytes)
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding in (b"gzip", b"deflate"):
        return await asyncio.to_thread(_decompress, body, limit_bytes)
    if encoding in (b"identity", b""):
        return body
    raise ClientError(
        f"content-encoding is {encoding.decode('latin-1')!r}; expected gzip or deflate", 415
    )


async def _read(receive: Receive, headers: Mapping[bytes, bytes], limit_bytes: int) -> bytes:
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced) > limit_bytes:
        raise _too_large(limit_bytes)
    chunks: list[bytes] = []
    left_bytes = limit_bytes
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        left_bytes -= len(chunk)
        if left_bytes < 0:
            raise _too_large(limit_bytes)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _decompress(body: bytes, limit_bytes: int) -> bytes:
    stream = zlib.decompressobj(AUTO_WBITS)
    try:
        plain = stream.decompress(body, limit_bytes + 1)
    except zlib.error as error:
        raise ClientError(f"body is not what its content-encoding says: {error}") from error
    if len(plain) > limit_bytes:
        raise _too_large(limit_bytes)
    if not stream.eof or stream.unused_data:
        raise ClientError("body is not one whole compressed stream")
    return plain


def _too_large(limit_bytes: int) -> ClientError:
    return ClientError(f"body is larger than the limit of {format_bytes(limit_bytes)}", 413)
