"""Checks the input tensors of a request against what the function takes."""

from collections.abc import Sequence
from reprlib import repr as brief
from typing import Any

from executor.functions import TensorSpec
from executor.gateway.errors import ClientError
from executor.gateway.fields import named_tensors, optional_field
from executor.gateway.tensors import check_binary_data, check_json_data


def check_inputs(inputs: object, binary: bytes, specs: Sequence[TensorSpec]) -> None:
    """Check that every input is there once and fits, and that the binary tail is theirs.

    Raises
    ------
    ClientError
        Naming the field and what was expected.
    """
    if not isinstance(inputs, list):
        raise ClientError(f"inputs is {brief(inputs)}; expected a list of tensors")
    tail = memoryview(binary)
    for index, spec in named_tensors(inputs, "inputs", specs):
        size_bytes = _check_input(inputs[index], f"inputs[{index}]", spec, tail)
        tail = tail[size_bytes:]
    if tail:
        raise ClientError(f"the body has {len(tail)} bytes more than its inputs announce")
    given = {tensor["name"] for tensor in inputs}
    for spec in specs:
        if spec.name not in given:
            raise ClientError(f"inputs: {spec.name!r} is missing")


def _check_input(tensor: dict[str, Any], path: str, spec: TensorSpec, tail: memoryview) -> int:
    """Check one input and return how many bytes of the tail are its own."""
    _check_datatype(tensor.get("datatype"), path, spec)
    shape = _checked_shape(tensor.get("shape"), path, spec)
    parameters = optional_field(tensor, "parameters", dict, f"{path}.") or {}
    size_bytes = _binary_size(parameters, path, spec, tail)
    if (size_bytes is None) == ("data" not in tensor):
        expected = "either data or parameters.binary_data_size"
        raise ClientError(f"{path} of {spec.name!r}: expected {expected}")
    if size_bytes is None:
        check_json_data(tensor["data"], spec.datatype, shape, f"{path}.data of {spec.name!r}")
        return 0
    check_binary_data(tail[:size_bytes], spec.datatype, shape, _size_field(path, spec))
    return size_bytes


def _check_datatype(datatype: object, path: str, spec: TensorSpec) -> None:
    if datatype != spec.datatype:
        raise ClientError(
            f"{path}.datatype of {spec.name!r} is {brief(datatype)}; expected {spec.datatype!r}"
        )


def _checked_shape(shape: object, path: str, spec: TensorSpec) -> list[int]:
    if (
        isinstance(shape, list)
        and len(shape) == len(spec.shape)
        and all(type(size) is int and size >= 0 for size in shape)
        and all(want in (-1, size) for want, size in zip(spec.shape, shape, strict=True))
    ):
        return shape
    raise ClientError(
        f"{path}.shape of {spec.name!r} is {brief(shape)}; "
        f"expected {list(spec.shape)}, where -1 is any size"
    )


def _binary_size(
    parameters: dict[str, Any], path: str, spec: TensorSpec, tail: memoryview
) -> int | None:
    if "shared_memory_region" in parameters:
        raise ClientError(f"{path}.parameters.shared_memory_region: shared memory is not offered")
    size_bytes: int | None = optional_field(
        parameters, "binary_data_size", int, f"{path}.parameters."
    )
    if size_bytes is not None and not 0 <= size_bytes <= len(tail):
        raise ClientError(
            f"{_size_field(path, spec)} is {size_bytes}; the body has {len(tail)} bytes left"
        )
    return size_bytes


def _size_field(path: str, spec: TensorSpec) -> str:
    return f"{path}.parameters.binary_data_size of {spec.name!r}"
