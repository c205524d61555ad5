"""Columns brought to their types without loss."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from solver.errors import InvalidProblem

_DTYPES: Final[dict[str, type[np.number[Any]]]] = {
    "mode_tier": np.int8,
    "copies": np.float64,
    "instance_survival": np.float64,
}
_TABLES: Final = {
    "copies": None,
    "held": 2,
    "pinned": 2,
    "forbidden": 2,
    "load_cost_pairs": 2,
}
"""Columns of two dimensions, with their width where it is fixed."""


def column(name: str, value: object) -> object:
    """Return a column of a problem in its proper type: a tuple of names, or a read-only array.

    Raises
    ------
    InvalidProblem
        When the value cannot be brought to its type without loss.
    """
    if name.endswith("_names"):
        return _names(name, value)
    array = _numbers(name, value)
    if name in _TABLES:
        array = _table(name, array, _TABLES[name])
    elif array.ndim != 1:
        raise InvalidProblem(f"shape of {name}", array.shape, "one dimension")
    array = _cast(name, array, _dtype(name))
    array.flags.writeable = False
    return array


def _names(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (tuple, list, np.ndarray)):
        raise InvalidProblem(name, value, "a sequence of strings")
    for index, item in enumerate(value):
        if not isinstance(item, str):
            raise InvalidProblem(f"{name}[{index}]", item, "a string")
    names = tuple(map(str, value))
    if not "".join(names).isascii():
        for index, item in enumerate(names):
            if item != item.encode(errors="ignore").decode():
                raise InvalidProblem(f"{name}[{index}]", item, "valid Unicode")
    return names


def _numbers(name: str, value: object) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):
        raise InvalidProblem(name, value, "a rectangular array of numbers") from None
    if array.size and array.dtype.kind not in "iuf":
        raise InvalidProblem(name, value, "numbers")
    return array


def _table(name: str, array: NDArray[Any], width: int | None) -> NDArray[Any]:
    if array.ndim == 1 and array.size == 0 and width is not None:
        return array.reshape(0, width)
    if array.ndim != 2 or array.shape[1] == 0 or width not in (None, array.shape[1]):
        raise InvalidProblem(f"shape of {name}", array.shape, f"(rows, {width or 'ranks'})")
    return array


def _dtype(name: str) -> type[np.number[Any]]:
    if name.endswith("_bytes"):
        return np.int64
    if name.endswith("_s"):
        return np.float64
    return _DTYPES.get(name, np.int32)


def _cast(name: str, array: NDArray[Any], dtype: type[np.number[Any]]) -> NDArray[Any]:
    if issubclass(dtype, np.signedinteger) and array.size and array.dtype != dtype:
        limits = np.iinfo(dtype)
        whole = (array >= limits.min) & (array <= limits.max) & (array == np.floor(array))
        if not whole.all():
            index = int(np.argmin(whole))
            raise InvalidProblem(f"{name} entry {index}", array.flat[index].item(), "whole number")
    return np.array(array, dtype=dtype, order="C")
