"""Fields of JSON objects as clients send them."""

from collections.abc import Iterable, Iterator
from reprlib import repr as brief
from typing import Any

import orjson

from executor.functions import TensorSpec
from executor.gateway.errors import ClientError

_KINDS = {str: "string", dict: "JSON object", list: "list", int: "whole number", bool: "boolean"}


def read_json_object(text: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises
    ------
    ClientError
        Naming line and column where it is no JSON.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ClientError(f"malformed JSON: {error}") from error
    if not isinstance(value, dict):
        raise ClientError(f"the request is {brief(value)}; expected a JSON object")
    return value


def optional_field(holder: dict[str, Any], key: str, kind: type, path: str = "") -> Any:
    """Return a field of the kind that it must have, or None when it is not there.

    Raises
    ------
    ClientError
        Naming the field, with ``path`` before it, when it is of another kind.
    """
    if key not in holder:
        return None
    value = holder[key]
    if type(value) is not kind:
        raise ClientError(f"{path}{key} is {brief(value)}; expected a {_KINDS[kind]}")
    return value


def named_tensors(
    tensors: list[Any], path: str, specs: Iterable[TensorSpec]
) -> Iterator[tuple[int, TensorSpec]]:
    """Pair each tensor's position with the spec of its name.

    Raises
    ------
    ClientError
        When a tensor has no name, one that no spec has, or one that came before.
    """
    known = {spec.name: spec for spec in specs}
    seen: set[str] = set()
    for index, tensor in enumerate(tensors):
        name = tensor.get("name") if isinstance(tensor, dict) else None
        if not isinstance(name, str):
            raise ClientError(f"{path}[{index}] is {brief(tensor)}; expected a tensor with a name")
        if name not in known:
            expected = ", ".join(map(repr, known)) or "no tensor at all"
            raise ClientError(f"{path}[{index}].name is {brief(name)}; expected {expected}")
        if name in seen:
            raise ClientError(f"{path}[{index}].name is {name!r} again; expected each name once")
        seen.add(name)
        yield index, known[name]
