import orjson
import pytest

from executor.errors import (
    Cancelled,
    DeadlineExceeded,
    FunctionFailed,
    HeadstartError,
    InsufficientCapacity,
    Overloaded,
    PermanentFailure,
    Rejected,
    TemporaryFailure,
    UnknownFunction,
)
from executor.gateway.errors import ClientError, error_body, error_headers, status_of


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (ClientError("x"), 400, {}),
        (ClientError("x", 405, {"allow": "POST"}), 405, {"allow": "POST"}),
        (UnknownFunction("x"), 404, {}),
        (Overloaded("x", 2.0), 429, {"retry-after": "2"}),
        (Rejected("x", 0.01), 503, {"retry-after": "1"}),
        (Rejected("x", 2.1), 503, {"retry-after": "3"}),
        (TemporaryFailure("x", 9.0), 503, {"retry-after": "9"}),
        (InsufficientCapacity("x"), 503, {"retry-after": "1"}),
        (Cancelled("x"), 503, {"retry-after": "1"}),
        (FunctionFailed("x"), 500, {}),
        (PermanentFailure("x"), 500, {}),
        (DeadlineExceeded("x"), 504, {}),
    ],
)
def test_each_error_has_its_answer(
    error: HeadstartError, status: int, headers: dict[str, str]
) -> None:
    assert status_of(error) == status
    assert error_headers(error) == headers


def test_any_message_can_be_said() -> None:
    assert orjson.loads(error_body('a "b" ä \n')) == {"error": 'a "b" ä \n'}
    assert error_body("\udcff") == b'{"error": "\\udcff"}'
