"""What shall be done: the only output of the controller."""

from typing import NamedTuple, TypeAlias

from executor.domain import StartKind, Tier
from executor.errors import InvocationError
from solver import Problem


class StartInstance(NamedTuple):
    """Create an instance for a function; answered by ``InstanceReady`` or ``InstanceGone``.

    ``reuses`` names an instance that was told to stop just before: once nothing of its functions is
    left, a runtime may make the new one out of its container, which is quicker than a new one.
    ``gpu`` is the one that its functions may use, by UUID.
    """

    instance_id: str
    worker: str
    owner: str
    limit_bytes: int
    reuses: str | None = None
    gpu: str | None = None
    function: str = ""


class StopInstance(NamedTuple):
    """Remove an instance and all in it; answered by ``InstanceGone``. Not found is success."""

    instance_id: str


class Load(NamedTuple):
    """Pre-load a function, or move a loaded one; answered by ``Loaded`` or ``LoadFailed``.

    A GPU without room for it leaves a function in memory; ``Loaded`` says where it is.
    """

    instance_id: str
    function: str
    tier: Tier


class Offload(NamedTuple):
    """Take a function away, loading or ready; answered by ``Offloaded``. Not found is success."""

    instance_id: str
    function: str


class Run(NamedTuple):
    """Serve a call in an instance.

    First every other residency that is not in ``keep`` is taken away and confirmed gone
    (``Offloaded`` each), then the function is loaded or moved unless it is where it shall be, then
    it gets the request: ``Started``, then ``Completed`` or ``Failed``. For ``tier`` GPU it waits
    until models that leave that GPU are gone; if that makes too little room it stays in memory.
    """

    invocation_id: str
    instance_id: str
    function: str
    tier: Tier
    deadline_s: float
    keep: frozenset[str] = frozenset()


class CancelRun(NamedTuple):
    """Stop a call that runs; answered by ``Failed`` with ``CANCELLED`` unless it ended before."""

    invocation_id: str
    instance_id: str


class Solve(NamedTuple):
    """Solve a placement off the loop; answered by ``PlanReady``."""

    problem: Problem


class WakeAt(NamedTuple):
    """Deliver ``Tick`` at this time; an earlier wake-up still pending may be dropped."""

    at_s: float


class Timings(NamedTuple):
    """Where the seconds of a served call went.

    ``wait_s`` from arrival to the run being handed to an instance (queueing, instance start);
    ``loading_s`` from there to the start of inference; ``run_s`` from there to the answer.
    """

    wait_s: float
    loading_s: float
    run_s: float


class Served(NamedTuple):
    """The call was answered."""

    start_kind: StartKind
    instance_id: str
    timings: Timings


class Finish(NamedTuple):
    """Close a call towards its caller, exactly once for every ``Arrived``."""

    invocation_id: str
    function: str
    outcome: Served | InvocationError


RuntimeAction: TypeAlias = StartInstance | StopInstance | Load | Offload | Run | CancelRun
Action: TypeAlias = RuntimeAction | Solve | WakeAt | Finish
