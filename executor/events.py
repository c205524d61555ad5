"""What has happened: the only input of the controller. ``at_s`` is when it was seen.

Some twenty events and actions are made for each call; they are named tuples for that reason, which
are made in a third of the time of a frozen data class.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from executor.domain import NOTHING, Instance, Invocation, Tier
from solver import Plan


class FailureKind(StrEnum):
    """Why a call that had started ended without an answer."""

    ERROR = "error"
    CRASH = "crash"
    LOAD = "load"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"


class LoadReport(NamedTuple):
    """What the function itself measured while it loaded, and what the instance then held for it.

    ``move_s`` is how long its last way to the GPU took; 0 where it was never on one.
    """

    import_s: float
    load_s: float
    memory_bytes: int
    library_bytes: int = 0
    move_s: float = 0.0


class Tick(NamedTuple):
    """Time has passed."""

    at_s: float


class PlanReady(NamedTuple):
    """The answer to ``actions.Solve``; ``solve_s`` is how long it took."""

    at_s: float
    plan: Plan
    solve_s: float


class Arrived(NamedTuple):
    """A call came in."""

    at_s: float
    invocation: Invocation


class Withdrawn(NamedTuple):
    """The caller of an open call went away."""

    at_s: float
    invocation_id: str


class FunctionEnabled(NamedTuple):
    """A function may be called and pre-loaded from now on."""

    at_s: float
    function: str


class FunctionDisabled(NamedTuple):
    """A function may no longer be called or pre-loaded."""

    at_s: float
    function: str


class InstanceReady(NamedTuple):
    """An instance is up with nothing loaded and takes ``base_bytes``."""

    at_s: float
    instance_id: str
    base_bytes: int


class InstancesFound(NamedTuple):
    """Idle instances, with what is in them, that were taken over from a server that was killed.

    ``reports`` are what the loads of their residents took, by function.
    """

    at_s: float
    instances: tuple[Instance, ...]
    reports: Mapping[str, LoadReport]


class InstanceGone(NamedTuple):
    """An instance stopped as asked (``error`` is None), failed to start, or died.

    All that was under way in it has ended with it.
    """

    at_s: float
    instance_id: str
    error: str | None = None


class Loaded(NamedTuple):
    """A function said that it is ready, in ``tier``."""

    at_s: float
    instance_id: str
    function: str
    tier: Tier
    report: LoadReport


class LoadFailed(NamedTuple):
    """A load ended without a ready function; nothing of it is left.

    ``blame`` says whether the function itself is at fault (it raised, crashed or timed out)
    rather than the circumstances (no room, cancelled, instance stopping).
    """

    at_s: float
    instance_id: str
    function: str
    error: str
    blame: bool


class Offloaded(NamedTuple):
    """A residency is confirmed gone, as asked or (``error``) by its own death."""

    at_s: float
    instance_id: str
    function: str
    error: str | None = None


class Measured(NamedTuple):
    """What an instance holds now: bytes by function, and by library what its functions share."""

    at_s: float
    instance_id: str
    memory_bytes: Mapping[str, int]
    library_bytes: Mapping[str, int] = NOTHING


class GpusMeasured(NamedTuple):
    """What our functions may hold of each GPU together, by what other programs leave."""

    at_s: float
    budget_bytes: dict[str, int]


class WorkerSeen(NamedTuple):
    """A worker no longer answers, so that nothing can be started there, or does so again."""

    at_s: float
    worker: str
    answers: bool


class Started(NamedTuple):
    """The function has the request: inference begins.

    ``report`` is there when the call itself had to load the function or wait for its load;
    ``tier`` is where the function is.
    """

    at_s: float
    invocation_id: str
    instance_id: str
    report: LoadReport | None = None
    tier: Tier = Tier.HOST


class Completed(NamedTuple):
    """A call was answered; its function stays loaded unless ``exited``."""

    at_s: float
    invocation_id: str
    instance_id: str
    exited: bool = False


class Failed(NamedTuple):
    """A call ended without an answer; its function is still loaded only after ``ERROR``."""

    at_s: float
    invocation_id: str
    instance_id: str
    kind: FailureKind
    error: str


Event: TypeAlias = (
    Tick
    | PlanReady
    | Arrived
    | Withdrawn
    | FunctionEnabled
    | FunctionDisabled
    | InstanceReady
    | InstancesFound
    | InstanceGone
    | Loaded
    | LoadFailed
    | Offloaded
    | Measured
    | GpusMeasured
    | WorkerSeen
    | Started
    | Completed
    | Failed
)
