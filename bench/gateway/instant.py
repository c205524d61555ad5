"""A server whose backend answers at once, always the same."""

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import uvloop
from prometheus_client import CollectorRegistry

from executor.actions import Served, Timings
from executor.calls import PartSink, Payload
from executor.domain import Function, Profile, StartKind
from executor.functions import Package, Style, TensorSpec
from executor.gateway.app import Gateway
from executor.gateway.backend import FunctionStatus, Reply, Status
from executor.gateway.server import serve
from executor.units import MIB

NAME = "instant"
ANSWER = Payload(
    b'{"model_name":"instant","outputs":[{"name":"y","datatype":"FP32","shape":[1],"data":[1.0]}]}'
)
OUTCOME = Served(StartKind.HOST, "i1", Timings(wait_s=0.0, loading_s=0.0, run_s=0.0))
EMPTY = Status(
    instances={},
    residents={},
    worker_memory_bytes=0,
    instance_limit_bytes=0,
    used_memory_bytes=0,
    waiting_calls=0,
    loads=0,
    load_failures=0,
    offloads=0,
    plans=0,
    solve_s=0.0,
    gap_ratio=None,
)
PACKAGE = Package(
    function=Function(NAME, "bench", MIB, Profile(0.0, 0.0, 0)),
    folder=Path(),
    style=Style.HANDLER,
    handler="handler",
    command=(),
    python=Path("python"),
    files=(),
    environment={},
    inputs=(TensorSpec("x", "FP32", (-1,)),),
    outputs=(TensorSpec("y", "FP32", (-1,)),),
    load_timeout_s=1.0,
)


class InstantBackend:
    """Has one function, which is always ready."""

    async def call(
        self,
        function: str,  # noqa: ARG002
        payload: Payload,  # noqa: ARG002
        timeout_s: float | None,  # noqa: ARG002
        on_part: PartSink | None = None,  # noqa: ARG002
    ) -> Reply:
        """Answer without looking at the request."""
        return Reply(ANSWER, OUTCOME)

    def packages(self) -> Mapping[str, Package]:
        """Return the one function."""
        return {NAME: PACKAGE}

    def index(self) -> list[FunctionStatus]:
        """Return nothing: it is not asked."""
        return []

    async def enable(self, function: str) -> None:
        """Do nothing: it is not asked."""

    async def disable(self, function: str) -> None:
        """Do nothing: it is not asked."""

    def alive(self) -> bool:
        """Return True."""
        return True

    def ready(self) -> bool:
        """Return True."""
        return True

    def snapshot(self) -> Status:
        """Return zeros."""
        return EMPTY


def run_server(report_port: Callable[[int], None]) -> None:
    """Serve until the process is ended."""
    uvloop.run(_serve(report_port))


async def _serve(report_port: Callable[[int], None]) -> None:
    gateway = Gateway(InstantBackend(), CollectorRegistry(), time.monotonic, 64 * MIB, "bench")
    async with serve(gateway, "127.0.0.1", 0, grace_s=0.0) as port:
        report_port(port)
        await asyncio.Event().wait()
