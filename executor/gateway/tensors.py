"""Checks tensors as clients send them: in the JSON header, or as bytes behind it."""

import math
import struct
from collections.abc import Iterator
from reprlib import repr as brief
from typing import Any

from executor.gateway.errors import ClientError

ITEM_BYTES = {
    "BOOL": 1,
    "UINT8": 1,
    "UINT16": 2,
    "UINT32": 4,
    "UINT64": 8,
    "INT8": 1,
    "INT16": 2,
    "INT32": 4,
    "INT64": 8,
    "FP16": 2,
    "BF16": 2,
    "FP32": 4,
    "FP64": 8,
}
"""Bytes of an element (Open Inference Protocol v2, "Tensor Data Types"); BYTES has no fixed size.

BF16 is an addition of Triton's.
"""

LENGTH_PREFIX = struct.Struct("<I")
"""Before each element of a binary BYTES tensor (Triton, "Binary Tensor Data Extension")."""


def check_json_data(data: object, datatype: str, shape: list[int], field: str) -> None:
    """Check a tensor given as JSON: number of elements, nesting, and kind and range of each.

    Raises
    ------
    ClientError
        Naming ``field`` and what was expected.
    """
    for row in _rows(data, shape, field):
        _check_elements(row, datatype, field)


def check_binary_data(data: memoryview, datatype: str, shape: list[int], field: str) -> None:
    """Check a tensor given as bytes: that its size fits its shape.

    Raises
    ------
    ClientError
        Naming ``field`` and what was expected.
    """
    count = math.prod(shape)
    if datatype == "BYTES":
        _check_strings(data, count, field)
    elif len(data) != count * ITEM_BYTES[datatype]:
        raise ClientError(
            f"{field} is {len(data)}; {datatype} of shape {brief(shape)} "
            f"takes {count * ITEM_BYTES[datatype]} bytes"
        )


def _rows(data: object, shape: list[int], field: str) -> Iterator[list[Any]]:
    """Walk down nested lists, one level a dimension, to the lists of elements."""
    if not isinstance(data, list):
        raise ClientError(f"{field} holds {brief(data)}; expected a list")
    nested = len(shape) > 1 and bool(data) and isinstance(data[0], list)
    expected = shape[0] if nested else math.prod(shape)
    if len(data) != expected:
        raise ClientError(f"{field} has {len(data)} elements in a list; its shape takes {expected}")
    if not nested:
        yield data
        return
    for row in data:
        yield from _rows(row, shape[1:], field)


def _check_elements(row: list[Any], datatype: str, field: str) -> None:
    allowed = _kinds(datatype)
    if not allowed.issuperset(map(type, row)):
        stranger = next(value for value in row if type(value) not in allowed)
        expected = " or ".join(sorted(kind.__name__ for kind in allowed))
        raise ClientError(f"{field} holds {brief(stranger)}; {datatype} takes {expected}")
    if row and "INT" in datatype:
        low, high = _range(datatype)
        for extreme in (min(row), max(row)):
            if not low <= extreme <= high:
                raise ClientError(f"{field} holds {extreme}; {datatype} takes {low} to {high}")


def _kinds(datatype: str) -> frozenset[type]:
    if datatype == "BOOL":
        return frozenset({bool})
    if datatype == "BYTES":
        return frozenset({str})
    return frozenset({int}) if "INT" in datatype else frozenset({int, float})


def _range(datatype: str) -> tuple[int, int]:
    bits = 8 * ITEM_BYTES[datatype]
    if datatype.startswith("U"):
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def _check_strings(data: memoryview, expected: int, field: str) -> None:
    count = position = 0
    while position + LENGTH_PREFIX.size <= len(data):
        position += LENGTH_PREFIX.size + LENGTH_PREFIX.unpack_from(data, position)[0]
        count += 1
    if position != len(data):
        raise ClientError(f"{field}: the bytes do not end with an element")
    if count != expected:
        raise ClientError(f"{field}: the bytes hold {count} elements; its shape takes {expected}")
