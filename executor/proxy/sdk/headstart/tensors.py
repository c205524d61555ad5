"""Tensors of the Open Inference Protocol v2, as JSON and as bytes.

Bytes are those of the binary tensor data extension: little-endian, row-major, BYTES elements each
behind their length. The standard library suffices; numpy is used where a function brings it.
"""

import struct
import sys
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

_CODES = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
"""Letters of the module ``struct`` for the datatypes of fixed size."""

_ELEMENTS: dict[str, set[type]] = {
    "BOOL": {bool},
    "BYTES": {str, bytes},
    "FP16": {int, float},
    "FP32": {int, float},
    "FP64": {int, float},
    "BF16": {int, float},
}
"""Python's types for elements of a datatype; integers else."""

_NUMPY_KINDS = {"b": "BOOL", "u": "UINT", "i": "INT", "f": "FP"}
_LENGTH = struct.Struct("<I")


class Tensor:
    """One input or output.

    Parameters
    ----------
    datatype
        As in the protocol: ``FP32``, ``INT64``, ``BOOL``, ``BYTES`` ...
    shape
        Its dimensions.
    data
        The elements in row-major order, or their bytes.
    """

    def __init__(
        self, datatype: str, shape: Sequence[int], data: list[Any] | memoryview | bytes
    ) -> None:
        if datatype not in _CODES and datatype not in ("BYTES", "BF16"):
            raise ValueError(f"datatype is {datatype!r}; expected one of {[*_CODES, 'BYTES']}")
        self.datatype = datatype
        self.shape = tuple(shape)
        self._data = data

    @property
    def data(self) -> list[Any]:
        """The elements as a flat list; those of BYTES as ``str`` if they are UTF-8."""
        if self._is_bytes:
            return [_lenient(item) for item in self.as_bytes()]
        return self._data if isinstance(self._data, list) else _numbers(self.datatype, self._data)

    def as_bytes(self) -> list[bytes]:
        """Return the elements of a BYTES tensor, each as ``bytes``."""
        if not self._is_bytes:
            raise TypeError(f"a {self.datatype} tensor holds no BYTES")
        if isinstance(self._data, list):
            return [item.encode() if isinstance(item, str) else item for item in self._data]
        return list(_split(memoryview(self._data)))

    def numpy(self) -> Any:
        """Return the tensor as a numpy array: BYTES as objects, BF16 widened to float32."""
        import numpy as np

        if self._is_bytes:
            return np.array(self.data, dtype=object).reshape(self.shape)
        if isinstance(self._data, list):
            code = _CODES.get(self.datatype, "f")
            return np.array(self._data, dtype=np.dtype(code)).reshape(self.shape)
        if self.datatype == "BF16":
            words = np.frombuffer(self._data, dtype="<u2").astype("<u4") << 16
            return words.view("<f4").reshape(self.shape)
        dtype = np.dtype(_CODES[self.datatype]).newbyteorder("<")
        return np.frombuffer(self._data, dtype=dtype).reshape(self.shape)

    def tobytes(self) -> bytes:
        """Return the bytes of the binary extension."""
        if not isinstance(self._data, list):
            return bytes(self._data)
        if self._is_bytes:
            return b"".join(_LENGTH.pack(len(item)) + item for item in self.as_bytes())
        if self.datatype == "BF16":
            wide = _pack("f", self._data)
            return b"".join(wide[at + 2 : at + 4] for at in range(0, len(wide), 4))
        return _pack(_CODES[self.datatype], self._data)

    def check(self) -> None:
        """Make sure that the tensor is what it says.

        Raises
        ------
        TypeError, ValueError
            If its shape is none, or its elements are not of its datatype or not as many.
        """
        if any(type(size) is not int or size < 0 for size in self.shape):
            raise ValueError(f"shape is {list(self.shape)}; expected integers from 0 up")
        data = (
            self.as_bytes() if self._is_bytes and not isinstance(self._data, list) else self._data
        )
        width = 1 if isinstance(data, list) else _width(self.datatype)
        if len(data) != width * prod(self.shape):
            raise ValueError(f"it holds {len(data) // width} elements; its shape is {self.shape}")
        if isinstance(data, list):
            self._check_elements(data)

    def _check_elements(self, data: list[Any]) -> None:
        found = {type(item) for item in data} - _ELEMENTS.get(self.datatype, {int})
        if found:
            names = ", ".join(sorted(kind.__name__ for kind in found))
            raise TypeError(f"its elements are {names}, which {self.datatype} cannot hold")

    @property
    def _is_bytes(self) -> bool:
        return self.datatype == "BYTES"


def from_value(value: Any) -> Tensor:
    """Make a tensor of what a function returns.

    A ``Tensor``, a numpy array, a torch tensor, a number, a string, or (nested) lists of those;
    Python's ``int`` becomes INT64, ``float`` FP64, ``str`` and ``bytes`` BYTES.

    Raises
    ------
    TypeError
        If the value is none of these.
    ValueError
        If nested lists are ragged.
    """
    if isinstance(value, Tensor):
        return value
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return _from_numpy(value)
    shape = tuple(_shape(value))
    data = list(flatten(value))
    if len(data) != prod(shape):
        raise ValueError(f"nested lists hold {len(data)} elements; expected shape {shape}")
    return Tensor(_datatype(data), shape, data)


def flatten(value: Any) -> Iterator[Any]:
    """Walk through the elements of nested lists."""
    if not isinstance(value, (list, tuple)):
        yield value
        return
    for item in value:
        if isinstance(item, (list, tuple)):
            yield from flatten(item)
        else:
            yield item


def _from_numpy(array: Any) -> Tensor:
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind not in _NUMPY_KINDS:
        return Tensor("BYTES", array.shape, array.ravel().tolist())
    datatype = "BOOL" if kind == "b" else f"{_NUMPY_KINDS[kind]}{8 * size}"
    if array.dtype.byteorder == ">" or sys.byteorder == "big":
        array = array.astype(array.dtype.newbyteorder("<"))
    return Tensor(datatype, array.shape, array.tobytes())


def _shape(value: Any) -> Iterator[int]:
    while isinstance(value, (list, tuple)):
        yield len(value)
        if not value:
            return
        value = value[0]


def _datatype(data: list[Any]) -> str:
    kinds = {type(item) for item in data}
    if kinds <= {bool}:
        return "BOOL"
    if kinds <= {int}:
        return "INT64"
    if kinds <= {int, float}:
        return "FP64"
    if kinds <= {str, bytes}:
        return "BYTES"
    names = sorted(kind.__name__ for kind in kinds)
    raise TypeError(f"elements are {', '.join(names)}; expected numbers or strings of one kind")


def _width(datatype: str) -> int:
    return 2 if datatype == "BF16" else struct.calcsize("<" + _CODES[datatype])


def _pack(code: str, data: list[Any]) -> bytes:
    try:
        return struct.pack(f"<{len(data)}{code}", *data)
    except (struct.error, OverflowError) as error:
        raise ValueError(str(error)) from None


def _numbers(datatype: str, raw: memoryview | bytes) -> list[Any]:
    if datatype == "BF16":
        halves = struct.unpack(f"<{len(raw) // 2}H", raw)
        raw = struct.pack(f"<{len(halves)}I", *(half << 16 for half in halves))
        datatype = "FP32"
    return list(struct.unpack(f"<{len(raw) // _width(datatype)}{_CODES[datatype]}", raw))


def _split(raw: memoryview) -> Iterator[bytes]:
    at = 0
    while at < len(raw):
        (size,) = _LENGTH.unpack_from(raw, at)
        at += _LENGTH.size
        yield bytes(raw[at : at + size])
        at += size


def _lenient(item: bytes) -> str | bytes:
    try:
        return item.decode()
    except UnicodeDecodeError:
        return item
