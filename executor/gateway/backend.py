"""What the gateway needs of the server behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from executor.actions import Served
from executor.calls import PartSink, Payload
from executor.domain import InstanceState, Tier
from executor.functions import Package
from executor.gpu.usage import Account


class FunctionState(StrEnum):
    """Whether a function takes calls, in the words of the protocol's repository index."""

    READY = "READY"
    LOADING = "LOADING"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class FunctionStatus:
    """A line of the repository index; ``reason`` says why a function is not ready."""

    name: str
    state: FunctionState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a call and how it came about."""

    payload: Payload
    outcome: Served


@dataclass(frozen=True, slots=True)
class Status:
    """The figures of this moment, and totals since the server started.

    Parameters
    ----------
    instances
        Number of instances by state; a state that is not there counts as 0.
    residents
        Number of ready or running residencies by tier; likewise.
    worker_memory_bytes
        What the workers have for instances.
    instance_limit_bytes
        The part of it that the limits of instances have claimed.
    used_memory_bytes
        The part of that which instances and their residencies hold.
    waiting_calls
        Calls that have no instance yet.
    loads, load_failures, offloads
        Pre-loads that ended well or badly, and residencies taken away.
    plans, solve_s
        Number of plans and the seconds that all of them took.
    gap_ratio
        Relative optimality gap of the latest plan; None when it is not known.
    gpus, mps_restarts
        How each GPU stands, and how often an MPS daemon was at fault and started anew.
    container_memory_bytes
        What containers hold by their control groups, those of this machine; None if there are none.
    """

    instances: Mapping[InstanceState, int]
    residents: Mapping[Tier, int]
    worker_memory_bytes: int
    instance_limit_bytes: int
    used_memory_bytes: int
    waiting_calls: int
    loads: int
    load_failures: int
    offloads: int
    plans: int
    solve_s: float
    gap_ratio: float | None
    gpus: Mapping[str, Account] = field(default_factory=dict)
    mps_restarts: int = 0
    container_memory_bytes: int | None = None


class Backend(Protocol):
    """Serves calls and says how things stand; all on the loop of the gateway."""

    async def call(
        self,
        function: str,
        payload: Payload,
        timeout_s: float | None,
        on_part: PartSink | None = None,
    ) -> Reply:
        """Serve a call within ``timeout_s``, or within the function's own limit when None.

        An answer that ``on_part`` was given in parts is empty.

        When the awaiting task is cancelled, the caller went away and the call is withdrawn.

        Raises
        ------
        InvocationError
            When the call ends without an answer.
        """
        ...

    def packages(self) -> Mapping[str, Package]:
        """All functions by name, enabled or not."""
        ...

    def index(self) -> list[FunctionStatus]:
        """How each function stands."""
        ...

    async def enable(self, function: str) -> None:
        """Let a function be called; already so is success.

        Raises
        ------
        UnknownFunction
            When there is none of that name.
        """
        ...

    async def disable(self, function: str) -> None:
        """No longer let a function be called; already so is success.

        Raises
        ------
        UnknownFunction
            When there is none of that name.
        """
        ...

    def alive(self) -> bool:
        """Whether the scheduler has turned within the last few seconds."""
        ...

    def ready(self) -> bool:
        """Whether calls are taken."""
        ...

    def snapshot(self) -> Status:
        """Return the figures for the metrics."""
        ...
