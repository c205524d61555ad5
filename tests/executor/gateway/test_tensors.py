import re
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from executor.gateway.errors import ClientError
from executor.gateway.tensors import ITEM_BYTES, check_binary_data, check_json_data

NUMPY = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT64": np.uint64,
    "INT16": np.int16,
    "INT64": np.int64,
    "FP32": np.float32,
    "FP64": np.float64,
}


@st.composite
def tensors(draw: st.DrawFn) -> tuple[str, np.ndarray[Any, Any]]:
    datatype = draw(st.sampled_from(sorted(NUMPY)))
    shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
    return datatype, draw(hnp.arrays(NUMPY[datatype], shapes))


@given(tensors())
def test_what_numpy_writes_is_taken(tensor: tuple[str, np.ndarray[Any, Any]]) -> None:
    datatype, array = tensor
    shape = list(array.shape)
    check_binary_data(memoryview(array.tobytes()), datatype, shape, "x")
    check_json_data(array.ravel().tolist(), datatype, shape, "x")
    if shape:
        check_json_data(array.tolist(), datatype, shape, "x")


@given(tensors(), st.integers(0, 5))
def test_another_number_of_elements_is_refused(
    tensor: tuple[str, np.ndarray[Any, Any]], other: int
) -> None:
    datatype, array = tensor
    count = array.size + other - (other <= array.size)
    if count == array.size or count < 0:
        count = array.size + 1
    shape = list(array.shape)
    with pytest.raises(ClientError, match="x has"):
        check_json_data([0] * count, datatype, shape, "x")
    with pytest.raises(ClientError, match="x is"):
        check_binary_data(memoryview(bytes(count * ITEM_BYTES[datatype])), datatype, shape, "x")


@pytest.mark.parametrize(
    ("data", "datatype", "shape", "message"),
    [
        (5, "FP32", [1], "x holds 5; expected a list"),
        ("ab", "BYTES", [2], "x holds 'ab'; expected a list"),
        ([1, "2"], "FP32", [2], "x holds '2'; FP32 takes float or int"),
        ([1, True], "INT8", [2], "x holds True; INT8 takes int"),
        ([1.0], "INT64", [1], "x holds 1.0; INT64 takes int"),
        ([0], "BOOL", [1], "x holds 0; BOOL takes bool"),
        ([1], "BYTES", [1], "x holds 1; BYTES takes str"),
        ([None], "FP64", [1], "x holds None; FP64 takes float or int"),
        ([0, 256], "UINT8", [2], "x holds 256; UINT8 takes 0 to 255"),
        ([-129], "INT8", [1], "x holds -129; INT8 takes -128 to 127"),
        ([-1], "UINT64", [1], "x holds -1; UINT64 takes 0 to"),
        ([[1, 2], [3]], "INT8", [2, 2], "x has 1 elements in a list; its shape takes 2"),
        ([[1, 2, 3], [4]], "INT8", [2, 2], "x has 3 elements in a list; its shape takes 2"),
        ([[1, 2], 3], "INT8", [2, 2], "x holds 3; expected a list"),
        ([[1, 2]], "INT8", [2, 2], "x has 1 elements in a list; its shape takes 2"),
        ([[[1]], [[2]]], "INT8", [2, 1], "x holds [1]; INT8 takes int"),
    ],
)
def test_json_that_does_not_fit_is_named(
    data: object, datatype: str, shape: list[int], message: str
) -> None:
    with pytest.raises(ClientError, match=re.escape(message)):
        check_json_data(data, datatype, shape, "x")


def prefixed(*strings: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(string)) + string for string in strings)


@given(st.lists(st.binary(max_size=9), max_size=5))
def test_binary_strings_are_taken(strings: list[bytes]) -> None:
    check_binary_data(memoryview(prefixed(*strings)), "BYTES", [len(strings)], "x")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (prefixed(b"a"), "hold 1 elements; its shape takes 2"),
        (prefixed(b"a", b"b", b"c"), "hold 3 elements; its shape takes 2"),
        (prefixed(b"a", b"bcd")[:-1], "do not end with an element"),
        (prefixed(b"a", b"b") + b"\0", "do not end with an element"),
        (b"", "hold 0 elements"),
    ],
)
def test_binary_strings_that_do_not_fit_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        check_binary_data(memoryview(data), "BYTES", [2], "x")
