"""What function processes say is not trusted: whatever it is, it becomes a message or chatter."""

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.proxy.dialects import HandlerDialect, Payload, Raised, Ready, ScriptDialect

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
entries = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("y") | values,
        "datatype": st.sampled_from(["FP32", "INT8", "BOOL", "BYTES", "FP16", "BF16"]) | values,
        "shape": st.lists(st.integers(-1, 3), max_size=2) | values,
        "data": values,
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_size": values}) | values,
    },
)
LIMIT_BYTES = 1 << 20
WANTED = [{}, {"parameters": {"binary_data_output": True}}]


def asked(**extra: Any) -> ScriptDialect:
    """Make a dialect that has sent a request."""
    dialect = ScriptDialect("f", LIMIT_BYTES, lambda _: None)
    tensor = {"name": "x", "datatype": "FP32", "shape": [1], "data": [1.0]}
    dialect.request(Payload(json.dumps({"inputs": [tensor], **extra}).encode(), b""))
    return dialect


def said(dialect: ScriptDialect, message: Any) -> list[Any]:
    return list(dialect.feed(json.dumps(message).encode() + b"\n"))


@given(st.lists(entries | values, max_size=3), st.sampled_from(WANTED))
def test_any_answer_is_an_answer_or_an_error(outputs: list[Any], wanted: dict[str, Any]) -> None:
    (message,) = said(asked(**wanted), {"outputs": outputs})
    if isinstance(message, Payload):
        for output in json.loads(bytes(message.header))["outputs"]:
            assert all(size >= 0 for size in output["shape"])
    else:
        assert isinstance(message, Raised)
        assert "no list of tensors" in message.error


@given(values)
def test_any_line_is_a_message_or_chatter(value: Any) -> None:
    assert all(isinstance(one, Ready | Raised | Payload) for one in said(asked(), value))


def test_deep_nesting_is_chatter() -> None:
    heard: list[bytes] = []
    dialect = ScriptDialect("f", LIMIT_BYTES, heard.append)
    assert list(dialect.feed(b"[" * 100_000 + b"\n")) == []
    assert len(heard) == 1


def test_an_answer_with_too_few_elements_is_an_error() -> None:
    tensor = {"name": "y", "datatype": "INT64", "shape": [3], "data": [1, 2]}
    (message,) = said(asked(), {"outputs": [tensor]})
    assert isinstance(message, Raised)
    assert "'y': it holds 2 elements; its shape is (3,)" in message.error


def test_a_line_that_does_not_end_is_no_message() -> None:
    dialect = asked()
    assert list(dialect.feed(b"x" * LIMIT_BYTES)) == []
    with pytest.raises(ValueError, match="a line of more than 1048576 bytes"):
        list(dialect.feed(b"x"))


def test_a_frame_that_is_too_long_is_refused_before_it_comes() -> None:
    dialect = HandlerDialect(LIMIT_BYTES)
    with pytest.raises(ValueError, match="a frame of 1048586 bytes; expected at most 1048576"):
        list(dialect.feed(struct.pack("!II", 2, LIMIT_BYTES)))


def test_what_json_cannot_carry_is_an_error_and_fine_as_bytes() -> None:
    tensor = {"name": "y", "datatype": "FP32", "shape": [1], "data": [float("nan")]}
    (message,) = said(asked(), {"outputs": [tensor]})
    assert isinstance(message, Raised)
    assert "an output holds NaN or infinity: JSON has neither, binary has" in message.error
    binary = asked(parameters={"binary_data_output": True})
    assert isinstance(said(binary, {"outputs": [tensor]})[0], Payload)
