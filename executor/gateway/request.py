"""Reads an inference request and checks it against what its function takes, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from reprlib import repr as brief
from typing import Any

from executor.calls import Payload
from executor.functions import Package, TensorSpec
from executor.gateway.errors import ClientError
from executor.gateway.fields import named_tensors, optional_field, read_json_object
from executor.gateway.inputs import check_inputs

MICROSECONDS_PER_S = 1_000_000
"""Unit of the request parameter ``timeout`` (Triton, "Schedule Policy Extension")."""


@dataclass(frozen=True, slots=True)
class InferRequest:
    """A request found good; its payload is as it came."""

    payload: Payload
    timeout_s: float | None


def read_infer_request(body: bytes, header_length: bytes | None, package: Package) -> InferRequest:
    """Read and check a body.

    Parameters
    ----------
    body
        JSON header, then binary tensors if there are any.
    header_length
        Value of ``Inference-Header-Content-Length``; None when all is JSON.
    package
        Says what inputs and outputs there are.

    Raises
    ------
    ClientError
        Naming the field and what was expected.
    """
    payload = _split(body, header_length)
    header = read_json_object(payload.header)
    optional_field(header, "id", str)
    check_inputs(header.get("inputs"), payload.binary, package.inputs)
    _check_outputs(optional_field(header, "outputs", list) or [], package.outputs)
    parameters = optional_field(header, "parameters", dict) or {}
    optional_field(parameters, "binary_data_output", bool, "parameters.")
    return InferRequest(payload, _timeout_s(parameters))


def _split(body: bytes, header_length: bytes | None) -> Payload:
    if header_length is None:
        return Payload(body)
    size = int(header_length) if header_length.isdigit() and len(header_length) < 20 else -1
    if not 0 < size <= len(body):
        raise ClientError(
            f"inference-header-content-length is {brief(header_length.decode('latin-1'))}; "
            f"expected a number from 1 to the {len(body)} bytes of the body"
        )
    return Payload(body[:size], body[size:])


def _check_outputs(outputs: list[Any], specs: Sequence[TensorSpec]) -> None:
    for index, _ in named_tensors(outputs, "outputs", specs):
        path = f"outputs[{index}]."
        parameters = optional_field(outputs[index], "parameters", dict, path) or {}
        optional_field(parameters, "binary_data", bool, f"{path}parameters.")


def _timeout_s(parameters: dict[str, Any]) -> float | None:
    timeout = optional_field(parameters, "timeout", int, "parameters.")
    if timeout is not None and timeout < 0:
        raise ClientError(f"parameters.timeout is {timeout}; expected microseconds, 0 for none")
    return timeout / MICROSECONDS_PER_S if timeout else None
