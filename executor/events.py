"""What has happened: the only input of the controller. ``at_s`` is when it was seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from executor.domain import Instance, Invocation, Tier
from solver import Plan


class FailureKind(StrEnum):
    """Why a call that had started ended without an answer."""

    ERROR = "error"
    CRASH = "crash"
    LOAD = "load"
    DEADLINE = "deadline"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What the function itself measured while it loaded, and what the instance then held for it.

    ``move_s`` is how long its last way to the GPU took; 0 where it was never on one.
    """

    import_s: float
    load_s: float
    memory_bytes: int
    library_bytes: int = 0
    move_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""

    at_s: float


@dataclass(frozen=True, slots=True)
class PlanReady:
    """The answer to ``actions.Solve``; ``solve_s`` is how long it took."""

    at_s: float
    plan: Plan
    solve_s: float


@dataclass(frozen=True, slots=True)
class Arrived:
    """A call came in."""

    at_s: float
    invocation: Invocation


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The caller of an open call went away."""

    at_s: float
    invocation_id: str


@dataclass(frozen=True, slots=True)
class FunctionEnabled:
    """A function may be called and pre-loaded from now on."""

    at_s: float
    function: str


@dataclass(frozen=True, slots=True)
class FunctionDisabled:
    """A function may no longer be called or pre-loaded."""

    at_s: float
    function: str


@dataclass(frozen=True, slots=True)
class InstanceReady:
    """An instance is up with nothing loaded and takes ``base_bytes``."""

    at_s: float
    instance_id: str
    base_bytes: int


@dataclass(frozen=True, slots=True)
class InstancesFound:
    """Idle instances, with what is in them, that were taken over from a server that was killed.

    ``reports`` are what the loads of their residents took, by function.
    """

    at_s: float
    instances: tuple[Instance, ...]
    reports: Mapping[str, LoadReport]


@dataclass(frozen=True, slots=True)
class InstanceGone:
    """An instance stopped as asked (``error`` is None), failed to start, or died.

    All that was under way in it has ended with it.
    """

    at_s: float
    instance_id: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """A function said that it is ready, in ``tier``."""

    at_s: float
    instance_id: str
    function: str
    tier: Tier
    report: LoadReport


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """A load ended without a ready function; nothing of it is left.

    ``blame`` says whether the function itself is at fault (it raised, crashed or timed out)
    rather than the circumstances (no room, cancelled, instance stopping).
    """

    at_s: float
    instance_id: str
    function: str
    error: str
    blame: bool


@dataclass(frozen=True, slots=True)
class Offloaded:
    """A residency is confirmed gone, as asked or (``error``) by its own death."""

    at_s: float
    instance_id: str
    function: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What an instance holds now: bytes by function, and by library what its functions share."""

    at_s: float
    instance_id: str
    memory_bytes: dict[str, int]
    library_bytes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GpusMeasured:
    """What our functions may hold of each GPU together, by what other programs leave."""

    at_s: float
    budget_bytes: dict[str, int]


@dataclass(frozen=True, slots=True)
class Started:
    """The function has the request: inference begins.

    ``report`` is there when the call itself had to load the function or wait for its load;
    ``tier`` is where the function is.
    """

    at_s: float
    invocation_id: str
    instance_id: str
    report: LoadReport | None = None
    tier: Tier = Tier.HOST


@dataclass(frozen=True, slots=True)
class Completed:
    """A call was answered; its function stays loaded unless ``exited``."""

    at_s: float
    invocation_id: str
    instance_id: str
    exited: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
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
    | Started
    | Completed
    | Failed
)
