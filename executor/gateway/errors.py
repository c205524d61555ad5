"""Exceptions and the HTTP answers that stand for them."""

import json
import math
from collections.abc import Mapping

from executor.errors import (
    Cancelled,
    DeadlineExceeded,
    HeadstartError,
    InsufficientCapacity,
    Overloaded,
    Rejected,
    TemporaryFailure,
    UnknownFunction,
)

RETRY_S = 1.0
"""What a client is told to wait when the cause does not say: the least that the header can say."""

INTERNAL_ERROR = "internal error"


class ClientError(HeadstartError):
    """The request is wrong; the message names the field and what was expected."""

    def __init__(
        self, message: str, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


def status_of(error: HeadstartError) -> int:
    """Return the HTTP status that stands for an error."""
    match error:
        case ClientError():
            return error.status
        case UnknownFunction():
            return 404
        case Overloaded():
            return 429
        case Rejected() | Cancelled() | TemporaryFailure() | InsufficientCapacity():
            return 503
        case DeadlineExceeded():
            return 504
        case _:
            return 500


def error_headers(error: HeadstartError) -> Mapping[str, str]:
    """Return the headers that go with an error: when to try again, if that makes sense."""
    if isinstance(error, ClientError):
        return error.headers
    if status_of(error) not in (429, 503):
        return {}
    retry_s = error.retry_s if isinstance(error, Rejected | TemporaryFailure) else RETRY_S
    return {"retry-after": str(max(1, math.ceil(retry_s)))}


def error_body(message: str) -> bytes:
    """Return the protocol's error object."""
    return json.dumps({"error": message}).encode()
