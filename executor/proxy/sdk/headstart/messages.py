"""Requests and answers of the Open Inference Protocol v2, with or without binary tensors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .tensors import Tensor, flatten, from_value


@dataclass(frozen=True, slots=True)
class Request:
    """What a function is asked.

    ``outputs`` names the outputs that are wanted (empty: all), ``binary`` whether an output that
    is not named in it shall be sent as bytes.
    """

    inputs: dict[str, Tensor]
    parameters: dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    binary: bool = False

    def wants_binary(self, output: str) -> bool:
        """Whether the asker wants an output as bytes."""
        return bool(self.outputs.get(output, {}).get("binary_data", self.binary))


def decode_request(header: bytes | memoryview, binary: memoryview) -> Request:
    """Read a request.

    Raises
    ------
    KeyError, ValueError
        If it is not one; the gateway lets only well-formed ones through.
    """
    body = json.loads(bytes(header))
    parameters = dict(body.get("parameters") or {})
    wanted = {one["name"]: one.get("parameters") or {} for one in body.get("outputs") or ()}
    inputs = decode_tensors(body["inputs"], binary)
    binary_output = bool(parameters.get("binary_data_output", False))
    return Request(inputs, parameters, body.get("id"), wanted, binary_output)


def decode_tensors(entries: list[dict[str, Any]], binary: memoryview) -> dict[str, Tensor]:
    """Read the tensors of a request or an answer, by name.

    Raises
    ------
    KeyError, TypeError, ValueError
        If they are none.
    """
    tensors, at = {}, 0
    for entry in entries:
        size = _binary_size(entry)
        data: list[Any] | memoryview = list(flatten(entry["data"])) if size is None else binary
        if size is not None:
            data = binary[at : at + size]
            at += size
        tensors[entry["name"]] = Tensor(entry["datatype"], entry["shape"], data)
    return tensors


def _binary_size(entry: Any) -> int | None:
    if not isinstance(entry, dict):
        raise TypeError(f"a tensor is {entry!r}; expected an object")
    parameters = entry.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise TypeError(f"parameters are {parameters!r}; expected an object")
    size = parameters.get("binary_data_size")
    if size is not None and not isinstance(size, int):
        raise TypeError(f"binary_data_size is {size!r}; expected an integer")
    return size


def encode_request(request: Request) -> dict[str, Any]:
    """Write a request with all tensors in the JSON.

    Raises
    ------
    TypeError
        If a BYTES element is not UTF-8, which JSON cannot carry.
    """
    inputs = [_json_entry(name, tensor) for name, tensor in request.inputs.items()]
    return {"id": request.id, "parameters": request.parameters, "inputs": inputs}


def encode_answer(
    model_name: str, outputs: Mapping[str, Any], request: Request
) -> tuple[bytes, bytes]:
    """Write an answer: its JSON, and the bytes of those outputs that are wanted as bytes.

    Raises
    ------
    KeyError
        If an output that was asked for is not there.
    TypeError, ValueError
        If an output is no tensor; the message names it.
    """
    entries, tail = [], []
    for name in request.outputs or outputs:
        if name not in outputs:
            raise KeyError(f"no output {name!r}; there are {sorted(outputs)}")
        tensor = _tensor(name, outputs[name])
        if request.wants_binary(name):
            tail.append(tensor.tobytes())
            entries.append(
                _entry(name, tensor) | {"parameters": {"binary_data_size": len(tail[-1])}}
            )
        else:
            entries.append(_json_entry(name, tensor))
    header = {"model_name": model_name, "outputs": entries}
    if request.id is not None:
        header["id"] = request.id
    return _strict_json(header), b"".join(tail)


def _strict_json(header: dict[str, Any]) -> bytes:
    try:
        return json.dumps(header, allow_nan=False).encode()
    except ValueError:
        raise ValueError("an output holds NaN or infinity: JSON has neither, binary has") from None


def _tensor(name: str, value: Any) -> Tensor:
    try:
        tensor = from_value(value)
        tensor.check()
    except (TypeError, ValueError) as error:
        raise type(error)(f"output {name!r}: {error}") from None
    return tensor


def _entry(name: str, tensor: Tensor) -> dict[str, Any]:
    return {"name": name, "datatype": tensor.datatype, "shape": list(tensor.shape)}


def _json_entry(name: str, tensor: Tensor) -> dict[str, Any]:
    data = tensor.data
    if any(isinstance(item, bytes) for item in data):
        raise TypeError(f"tensor {name!r} holds bytes that are not UTF-8; JSON cannot carry them")
    return _entry(name, tensor) | {"data": data}
