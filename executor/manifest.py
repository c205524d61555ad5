"""What ``function.yaml`` may say: its keys, their types and their defaults."""

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from executor.domain import Isolation
from executor.functions import Style
from executor.units import parse_bytes

Datatype: TypeAlias = Literal[
    "BOOL",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "FP16",
    "FP32",
    "FP64",
    "BYTES",
]
"""Tensor data types of the Open Inference Protocol, version 2."""

_DAY_S = 86400.0


def _non_zero(size: int) -> int:
    if size == 0:
        raise ValueError("a dimension of 0 holds nothing")
    return size


Name: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
Text: TypeAlias = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Variable: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Module: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")]
Bytes: TypeAlias = Annotated[int, BeforeValidator(parse_bytes), Field(gt=0)]
Seconds: TypeAlias = Annotated[float, Field(ge=0, le=_DAY_S, allow_inf_nan=False)]
Limit: TypeAlias = Annotated[float, Field(gt=0, le=_DAY_S, allow_inf_nan=False)]
Dimension: TypeAlias = Annotated[int, Field(ge=-1), AfterValidator(_non_zero)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Tensor(_Section):
    """An input or output tensor."""

    name: Name = Field(description="the name of a tensor")
    datatype: Datatype = Field(
        description="a datatype of the Open Inference Protocol such as FP32, INT64 or BYTES"
    )
    shape: tuple[Dimension, ...] = Field(
        min_length=1, description="a list of sizes, each positive or -1 for any size"
    )


def _distinct(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    if len({tensor.name for tensor in tensors}) < len(tensors):
        raise ValueError("two tensors have the same name")
    return tensors


Tensors: TypeAlias = Annotated[tuple[Tensor, ...], Field(min_length=1), AfterValidator(_distinct)]


class GpuGuess(_Section):
    """What the function is thought to cost on a GPU, for one that can use one."""

    memory: Bytes = Field(description="a size such as 512MiB, of all that it takes of the GPU")
    host_memory: Bytes = Field(description="a size such as 512MiB, of what stays in memory")
    move_s: Seconds = Field(description="seconds from 0 to a day")


class FirstGuess(_Section):
    """What the function is thought to cost before it was measured."""

    import_s: Seconds = Field(description="seconds from 0 to a day")
    load_s: Seconds = Field(description="seconds from 0 to a day")
    memory: Bytes = Field(description="a size such as 512MiB, without the shared libraries")
    library_memory: Annotated[int, BeforeValidator(parse_bytes), Field(ge=0)] = Field(
        0, description="a size such as 200MiB"
    )
    gpu: GpuGuess | None = Field(None, description="a mapping with memory, host_memory and move_s")


class Manifest(_Section):
    """The whole file."""

    name: Name = Field(description="a name of letters, digits, '.', '_' and '-', at most 64")
    owner: Name = Field(description="the name of the owner")
    style: Style = Field(Style.HANDLER, description="handler or script")
    handler: str = Field(
        "handler", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="a module name, without .py"
    )
    command: tuple[Text, ...] = Field((), description="a list of words such as [python, main.py]")
    memory: Bytes = Field(description="a size such as 512MiB")
    timeout_s: Limit = Field(60.0, description="seconds, more than 0 and at most a day")
    load_timeout_s: Limit = Field(60.0, description="seconds, more than 0 and at most a day")
    libraries: tuple[Module, ...] = Field(
        (), description="a list of modules to share, such as [torch, safetensors.torch]"
    )
    isolation: Isolation = Field(Isolation.STRICT, description="strict or share")
    files: dict[Name, Text] = Field({}, description="a mapping of names to paths")
    environment: dict[Variable, Text] = Field(
        {}, description="a mapping of environment variables to text"
    )
    inputs: Tensors = Field(description="a list of tensors of different names")
    outputs: Tensors = Field(description="a list of tensors of different names")
    profile: FirstGuess | None = Field(
        None, description="a mapping with import_s, load_s, memory, library_memory and gpu"
    )
