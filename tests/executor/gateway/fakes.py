"""A backend in memory that echoes its input, and packages for it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from tritonclient.utils import (
    deserialize_bytes_tensor,
    serialize_byte_tensor,
    triton_to_np_dtype,
)

from executor.actions import Served, Timings
from executor.calls import PartSink, Payload
from executor.domain import Function, InstanceState, Profile, StartKind, Tier
from executor.errors import UnknownFunction
from executor.functions import Package, Style, TensorSpec
from executor.gateway.backend import FunctionState, FunctionStatus, Reply, Status
from executor.gpu.usage import Account

OUTCOME = Served(StartKind.HOST, "i7", Timings(wait_s=0.001, loading_s=0.25, run_s=0.004))

STATUS = Status(
    instances={InstanceState.IDLE: 3, InstanceState.BUSY: 1},
    residents={Tier.HOST: 2},
    worker_memory_bytes=4096,
    instance_limit_bytes=2048,
    used_memory_bytes=1024,
    waiting_calls=5,
    loads=11,
    load_failures=1,
    offloads=7,
    plans=9,
    solve_s=0.45,
    gap_ratio=0.02,
    gpus={"GPU-1": Account(100, 20, 30, 40, 10, "it is lost")},
    container_memory_bytes=1536,
)


def package(name: str, *inputs: TensorSpec) -> Package:
    return Package(
        function=Function(name, "ann", 1 << 20, Profile(0.1, 0.1, 1 << 10)),
        folder=Path("/"),
        style=Style.HANDLER,
        handler="handler",
        command=(),
        python=Path("python"),
        files=(),
        environment={},
        inputs=inputs,
        outputs=tuple(TensorSpec(f"{x.name}_out", x.datatype, x.shape) for x in inputs),
        load_timeout_s=60.0,
    )


ECHO = package("echo", TensorSpec("x", "FP32", (-1, 2)), TensorSpec("words", "BYTES", (-1,)))
PLAIN = package("plain", TensorSpec("x", "INT32", (-1,)))


class FakeBackend:
    """Answers with ``x_out`` for each input ``x``; knobs are plain attributes."""

    def __init__(self, *packages: Package) -> None:
        self.functions = {one.function.name: one for one in packages}
        self.disabled: set[str] = set()
        self.quarantined: dict[str, str] = {}
        self.error: Exception | None = None
        self.parts: list[Payload] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.timeouts: list[float | None] = []
        self.withdrawn = asyncio.Event()
        self.lives = True
        self.takes_calls = True

    async def call(
        self,
        function: str,
        payload: Payload,
        timeout_s: float | None,
        on_part: PartSink | None = None,
    ) -> Reply:
        self.timeouts.append(timeout_s)
        if on_part is not None:
            for part in self.parts:
                on_part(part)
        self.entered.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.withdrawn.set()
            raise
        if function in self.disabled:
            raise UnknownFunction(f"no function {function!r} is enabled")
        if self.error is not None:
            raise self.error
        in_parts = on_part is not None and self.parts
        return Reply(Payload(b"") if in_parts else echo(function, payload), OUTCOME)

    def packages(self) -> Mapping[str, Package]:
        return self.functions

    def index(self) -> list[FunctionStatus]:
        return [self._status(name) for name in self.functions]

    async def enable(self, function: str) -> None:
        self.disabled.discard(function)

    async def disable(self, function: str) -> None:
        self.disabled.add(function)

    def alive(self) -> bool:
        return self.lives

    def ready(self) -> bool:
        return self.takes_calls

    def snapshot(self) -> Status:
        return STATUS

    def _status(self, name: str) -> FunctionStatus:
        if name in self.disabled:
            return FunctionStatus(name, FunctionState.UNAVAILABLE, "unloaded")
        if name in self.quarantined:
            return FunctionStatus(name, FunctionState.UNAVAILABLE, self.quarantined[name])
        return FunctionStatus(name, FunctionState.READY)


def echo(function: str, payload: Payload) -> Payload:
    """Answer each input, in binary where the request asks for it."""
    request = orjson.loads(payload.header)
    all_binary = request.get("parameters", {}).get("binary_data_output", False)
    wanted = {
        one["name"]: one.get("parameters", {}).get("binary_data", all_binary)
        for one in request.get("outputs", [])
    }
    outputs: list[dict[str, Any]] = []
    binary = b""
    tail = payload.binary
    for tensor in request["inputs"]:
        size = tensor.get("parameters", {}).get("binary_data_size", 0)
        array = _array(tensor, tail[:size])
        tail = tail[size:]
        name = f"{tensor['name']}_out"
        output = {"name": name, "datatype": tensor["datatype"], "shape": tensor["shape"]}
        if wanted.get(name, all_binary):
            data = _bytes(array)
            output["parameters"] = {"binary_data_size": len(data)}
            binary += data
        else:
            output["data"] = [_text(value) for value in array.tolist()]
        outputs.append(output)
    answer = {"model_name": function, "model_version": "1", "outputs": outputs}
    if "id" in request:
        answer["id"] = request["id"]
    return Payload(orjson.dumps(answer), binary)


def _array(tensor: dict[str, Any], data: bytes) -> np.ndarray[Any, Any]:
    dtype = triton_to_np_dtype(tensor["datatype"])
    if "data" in tensor:
        return np.array(tensor["data"], dtype=dtype).reshape(-1)
    if tensor["datatype"] == "BYTES":
        strings: np.ndarray[Any, Any] = deserialize_bytes_tensor(data)
        return strings
    return np.frombuffer(data, dtype=dtype)


def _bytes(array: np.ndarray[Any, Any]) -> bytes:
    if array.dtype == np.object_:
        return bytes(serialize_byte_tensor(array).item()) if array.size else b""
    return array.tobytes()


def _text(value: object) -> object:
    return value.decode() if isinstance(value, bytes) else value
