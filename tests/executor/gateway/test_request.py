import re
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from executor.gateway.errors import ClientError
from executor.gateway.request import read_infer_request
from tests.executor.gateway.fakes import ECHO, package

X = {"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [1, 2.5]}
WORDS = {"name": "words", "datatype": "BYTES", "shape": [1], "data": ["hi"]}
NO_DATA = {"name": "x", "datatype": "FP32", "shape": [1, 2]}
BINARY_X = {**NO_DATA, "parameters": {"binary_data_size": 8}}
BINARY_WORDS = {
    "name": "words",
    "datatype": "BYTES",
    "shape": [1],
    "parameters": {"binary_data_size": 6},
}


def body(*inputs: object, **fields: object) -> bytes:
    return orjson.dumps({"inputs": list(inputs), **fields})


def test_a_json_request_passes_as_it_came() -> None:
    text = body(X, WORDS, id="a", outputs=[{"name": "x_out"}], parameters={"timeout": 0, "k": 1})
    request = read_infer_request(text, None, ECHO)
    assert request.payload.header == text
    assert request.payload.binary == b""
    assert request.timeout_s is None


def test_binary_tensors_are_split_off() -> None:
    header = body(BINARY_X, WORDS, parameters={"timeout": 1_500_000})
    tail = struct.pack("<2f", 1, 2)
    request = read_infer_request(header + tail, str(len(header)).encode(), ECHO)
    assert request.payload.header == header
    assert request.payload.binary == tail
    assert request.timeout_s == 1.5


def test_several_binary_tensors_follow_in_order() -> None:
    tail = struct.pack("<I", 2) + b"hi" + struct.pack("<2f", 1, 2)
    header = body(BINARY_WORDS, BINARY_X)
    length = str(len(header)).encode()
    read_infer_request(header + tail, length, ECHO)
    swapped = body(BINARY_X, BINARY_WORDS)
    with pytest.raises(ClientError, match="do not end"):
        read_infer_request(swapped + tail, length, ECHO)


def test_a_function_without_inputs_takes_an_empty_list() -> None:
    assert read_infer_request(body(), None, package("none")).timeout_s is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "malformed JSON"),
        (b'{"inputs": [}', "line 1 column 13"),
        (b'{"inputs": [NaN]}', "malformed JSON"),
        (b"[1]", "the request is [1]; expected a JSON object"),
        (b"{}", "inputs is None; expected a list of tensors"),
        (b'{"inputs": {}}', "inputs is {}; expected a list of tensors"),
        (body(X, WORDS, id=5), "id is 5; expected a string"),
        (body(X, WORDS, parameters=[]), "parameters is []; expected a JSON object"),
        (body(X, WORDS, parameters={"timeout": -1}), "parameters.timeout is -1"),
        (body(X, WORDS, parameters={"timeout": True}), "parameters.timeout is True"),
        (body(X), "inputs: 'words' is missing"),
        (body(X, X, WORDS), "inputs[1].name is 'x' again"),
        (body(X, {**WORDS, "name": "word"}), "inputs[1].name is 'word'; expected 'x', 'words'"),
        (body(7), "inputs[0] is 7; expected a tensor with a name"),
        (body({"name": 7}), "inputs[0] is {'name': 7}; expected a tensor with a name"),
        (body({**X, "datatype": "FP64"}), "inputs[0].datatype of 'x' is 'FP64'; expected 'FP32'"),
        (body({**X, "shape": [2]}), "inputs[0].shape of 'x' is [2]; expected [-1, 2]"),
        (body({**X, "shape": [1, 3]}), "inputs[0].shape of 'x' is [1, 3]"),
        (body({**X, "shape": [-1, 2]}), "inputs[0].shape of 'x' is [-1, 2]"),
        (body({**X, "shape": [True, 2]}), "inputs[0].shape of 'x' is [True, 2]"),
        (body({**X, "shape": None}), "inputs[0].shape of 'x' is None"),
        (body({**X, "shape": [2, 2]}), "inputs[0].data of 'x' has 2 elements"),
        (body({**X, "data": [1, "a"]}), "inputs[0].data of 'x' holds 'a'"),
        (body({**X, "data": None}), "inputs[0].data of 'x' holds None; expected a list"),
        (body(NO_DATA), "inputs[0] of 'x': expected either data or"),
        (body({**BINARY_X, "data": [1, 2]}), "binary_data_size of 'x' is 8; the body has 0"),
        (body({**X, "parameters": 1}), "inputs[0].parameters is 1"),
        (
            body({**X, "parameters": {"shared_memory_region": "r"}}),
            "inputs[0].parameters.shared_memory_region: shared memory is not offered",
        ),
        (
            body({**X, "parameters": {"binary_data_size": None}}),
            "inputs[0].parameters.binary_data_size is None; expected a whole number",
        ),
        (
            body(X, WORDS, parameters={"binary_data_output": 1}),
            "parameters.binary_data_output is 1; expected a boolean",
        ),
        (
            body(X, WORDS, outputs=[{"name": "x_out", "parameters": {"binary_data": None}}]),
            "outputs[0].parameters.binary_data is None; expected a boolean",
        ),
        (body(X, WORDS, outputs={}), "outputs is {}; expected a list"),
        (body(X, WORDS, outputs=[{"name": "y"}]), "outputs[0].name is 'y'; expected 'x_out'"),
        (
            body(X, WORDS, outputs=[{"name": "x_out", "parameters": 3}]),
            "outputs[0].parameters is 3; expected a JSON object",
        ),
    ],
)
def test_a_wrong_field_is_named(text: bytes, message: str) -> None:
    with pytest.raises(ClientError, match=re.escape(message)) as raised:
        read_infer_request(text, None, ECHO)
    assert raised.value.status == 400


@pytest.mark.parametrize("length", [b"", b"0", b"-1", b"1.5", b"999", b"9" * 5000, b"\xb2"])
def test_a_wrong_header_length_is_named(length: bytes) -> None:
    with pytest.raises(ClientError, match="inference-header-content-length"):
        read_infer_request(body(X, WORDS), length, ECHO)


@pytest.mark.parametrize(
    ("size", "tail", "message"),
    [
        (8, b"1234567", "is 8; the body has 7 bytes left"),
        (8, b"123456789", "the body has 1 bytes more than its inputs announce"),
        (4, b"1234", r"is 4; FP32 of shape [1, 2] takes 8 bytes"),
        (-8, b"12345678", "is -8; the body has 8 bytes left"),
    ],
)
def test_a_binary_size_that_disagrees_is_named(size: int, tail: bytes, message: str) -> None:
    header = body({**BINARY_X, "parameters": {"binary_data_size": size}}, WORDS)
    with pytest.raises(ClientError, match=re.escape(message)):
        read_infer_request(header + tail, str(len(header)).encode(), ECHO)


def test_a_tensor_may_not_be_given_twice_over() -> None:
    header = body({**BINARY_X, "data": [1, 2]}, WORDS)
    with pytest.raises(ClientError, match="either data or"):
        read_infer_request(header + bytes(8), str(len(header)).encode(), ECHO)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A good request with a few fields, anywhere in it, replaced by something else."""
    request: Any = orjson.loads(body(X, WORDS, parameters={"timeout": 1}, outputs=[{}]))
    holders: list[Any] = [request, *request["inputs"], request["parameters"], request["outputs"][0]]
    for _ in range(draw(st.integers(1, 3))):
        holder = draw(st.sampled_from(holders))
        key = draw(st.sampled_from([*holder, "data", "shape", "parameters", "name"]))
        holder[key] = draw(JSON)
    return orjson.dumps(request)


def or_client_error(read: Callable[[], object]) -> None:
    """Pass when the request is taken or found wrong; fail by any other exception."""
    with suppress(ClientError):
        read()


@given(st.binary(max_size=200), st.none() | st.binary(max_size=4))
@example(b"[" * 100_000, None)
def test_no_bytes_do_more_than_be_refused(text: bytes, length: bytes | None) -> None:
    or_client_error(lambda: read_infer_request(text, length, ECHO))


@given(JSON)
def test_no_json_does_more_than_be_refused(value: object) -> None:
    or_client_error(lambda: read_infer_request(orjson.dumps(value), None, ECHO))


@given(mangled(), st.binary(max_size=20))
def test_no_mangled_request_does_more_than_be_refused(header: bytes, tail: bytes) -> None:
    length = str(len(header)).encode()
    or_client_error(lambda: read_infer_request(header + tail, length, ECHO))
