"""Writes answers to inference requests, good and bad, as ASGI messages."""

from collections.abc import Mapping

from starlette.types import Send

from executor.actions import Served
from executor.calls import Payload
from executor.gateway.backend import Reply
from executor.gateway.errors import error_body

HEADER_LENGTH = b"inference-header-content-length"
"""Says where the JSON ends and binary tensors begin (Triton, "Binary Tensor Data Extension")."""


async def send_reply(send: Send, reply: Reply) -> None:
    """Send what the function answered, and how that came about."""
    payload = reply.payload
    headers = outcome_headers(reply.outcome)
    if payload.binary:
        headers.append((HEADER_LENGTH, str(len(payload.header)).encode()))
        headers.append((b"content-type", b"application/octet-stream"))
    else:
        headers.append((b"content-type", b"application/json"))
    await _send(send, 200, headers, payload)


async def send_error(send: Send, status: int, message: str, extra: Mapping[str, str]) -> None:
    """Send the protocol's error object, with ``extra`` headers."""
    headers = [(key.encode(), value.encode()) for key, value in extra.items()]
    headers.append((b"content-type", b"application/json"))
    await _send(send, status, headers, Payload(error_body(message)))


async def _send(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], payload: Payload
) -> None:
    size_bytes = len(payload.header) + len(payload.binary)
    headers.append((b"content-length", str(size_bytes).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    more = bool(payload.binary)
    await send({"type": "http.response.body", "body": payload.header, "more_body": more})
    if more:
        await send({"type": "http.response.body", "body": payload.binary})


def outcome_headers(outcome: Served) -> list[tuple[bytes, bytes]]:
    """Say how the call was started and where its time went (``Server-Timing``, W3C)."""
    spent = outcome.timings
    timing = (
        f"wait;dur={1000 * spent.wait_s:.3f}, loading;dur={1000 * spent.loading_s:.3f}, "
        f"run;dur={1000 * spent.run_s:.3f}"
    )
    return [
        (b"headstart-start-kind", outcome.start_kind.value.encode()),
        (b"headstart-instance", outcome.instance_id.encode()),
        (b"server-timing", timing.encode()),
    ]
