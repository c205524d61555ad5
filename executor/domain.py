"""The nouns: functions, instances, residencies, invocations. Frozen; changed by replacement.

Instances and residencies are replaced with every event, some twenty times a call, and are named
tuples for that reason: those are replaced in a quarter of the time of a data class, and by methods
of their own, which build the tuple at once, in a quarter of that. What decides on every event
compares with the states under their short names at the end of this page: a look-up in an enum takes
ten times as long in Python 3.11 as that of a name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

NOBODY = ""
"""Owner of the instances that belong to nobody yet."""

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


def stem_name(kind: str) -> str:
    """Stand for the function that a stem cell of a kind does not have yet."""
    return f"<{kind}>"


class Tier(StrEnum):
    """How far a function is loaded in an instance."""

    LIBRARY = "library"
    HOST = "host"
    GPU = "gpu"


class StartKind(StrEnum):
    """What a call found when it came."""

    COLD = "cold"
    WARM = "warm"
    LIBRARY = "library"
    HOST = "host"
    GPU = "gpu"


class InstanceState(StrEnum):
    """Where an instance is in its life."""

    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    STOPPING = "stopping"


class ResidencyState(StrEnum):
    """Where a residency is in its life; gone is no state, it is absence.

    ``MOVING``: loaded, and on its way between memory and GPU; its tier is where it goes.
    """

    LOADING = "loading"
    MOVING = "moving"
    READY = "ready"
    RUNNING = "running"
    OFFLOADING = "offloading"


class Isolation(StrEnum):
    """What a call does to the other functions of its instance: remove them, or keep them."""

    STRICT = "strict"
    SHARE = "share"


@dataclass(frozen=True)
class GpuProfile:
    """What a function costs in the tier ``gpu``, for functions that can use one.

    ``gpu_memory_bytes`` is all that its process takes of the GPU, ``memory_bytes`` what it adds to
    its instance meanwhile, ``move_s`` the time from loaded in memory to ready on the GPU.
    """

    memory_bytes: int
    gpu_memory_bytes: int
    move_s: float


@dataclass(frozen=True)
class Profile:
    """What a function costs, measured where it has run and estimated before.

    ``memory_bytes`` is what one more residency adds to an instance; ``library_bytes`` is shared by
    all functions of the same library group in an instance and counts once.
    """

    import_s: float
    load_s: float
    memory_bytes: int
    library_bytes: int = 0
    gpu: GpuProfile | None = None

    @property
    def ready_s(self) -> float:
        """Seconds from nothing loaded to ready."""
        return self.import_s + self.load_s


@dataclass(frozen=True)
class Function:
    """A deployed unit, as planning and routing see it."""

    name: str
    owner: str
    memory_limit_bytes: int
    profile: Profile
    timeout_s: float = 60.0
    library: str | None = None
    isolation: Isolation = Isolation.STRICT
    kind: str = "python"

    def memory_bytes(self, tier: Tier) -> int:
        """Return what a residency takes of its instance, without the library.

        On a GPU it keeps room for its way back, so that it can always give way there.
        """
        host_bytes = self.profile.memory_bytes
        if tier is not Tier.GPU or self.profile.gpu is None:
            return host_bytes
        return max(self.profile.gpu.memory_bytes, host_bytes)

    def gpu_bytes(self, tier: Tier) -> int:
        """Return what a residency takes of the GPU."""
        if tier is not Tier.GPU or self.profile.gpu is None:
            return 0
        return self.profile.gpu.gpu_memory_bytes


@dataclass(frozen=True)
class Worker:
    """A host whose memory the instances' limits share.

    ``gpus`` are its GPUs, each with the bytes that our functions may hold of it.
    """

    name: str
    memory_bytes: int
    gpus: Mapping[str, int] = field(default_factory=dict)


class Residency(NamedTuple):
    """A function loaded, or being loaded, in an instance."""

    function: str
    tier: Tier
    state: ResidencyState
    memory_bytes: int
    gpu_memory_bytes: int = 0

    def turned(self, state: ResidencyState) -> "Residency":
        """Return it in another state, its third field."""
        return tuple.__new__(Residency, (*self[:2], state, *self[3:]))


class Instance(NamedTuple):
    """One container on a worker, belonging to one owner.

    ``function`` is the one it was created for; ``base_bytes`` what it takes with nothing loaded.
    A stem cell belongs to nobody yet: its owner is ``NOBODY`` and its function a ``stem_name``.
    ``rented`` says that its container was another function's before. ``libraries`` are the library
    groups whose modules it holds, with their bytes, for functions of that group to start from.
    ``gpu`` is the one that its functions may use, None without.
    """

    id: str
    worker: str
    owner: str
    function: str
    limit_bytes: int
    state: InstanceState
    since_s: float
    base_bytes: int = 0
    invocation: str | None = None
    rented: bool = False
    libraries: Mapping[str, int] = NOTHING
    gpu: str | None = None
    residencies: Mapping[str, Residency] = NOTHING

    def turned(
        self,
        state: InstanceState,
        since_s: float,
        invocation: str | None,
        residencies: Mapping[str, Residency],
    ) -> "Instance":
        """Return it in another state, with what serves and is held then."""
        changed = (state, since_s, self.base_bytes, invocation)
        return tuple.__new__(Instance, (*self[:5], *changed, *self[9:12], residencies))

    def holding(self, residencies: Mapping[str, Residency]) -> "Instance":
        """Return it with other residencies, its last field."""
        return tuple.__new__(Instance, (*self[:-1], residencies))


class Invocation(NamedTuple):
    """One request to a function; ``deadline_s`` is a time on the clock of ``arrived_s``."""

    id: str
    function: str
    arrived_s: float
    deadline_s: float


STARTING: Final = InstanceState.STARTING
IDLE: Final = InstanceState.IDLE
BUSY: Final = InstanceState.BUSY
STOPPING: Final = InstanceState.STOPPING

LOADING: Final = ResidencyState.LOADING
MOVING: Final = ResidencyState.MOVING
READY: Final = ResidencyState.READY
RUNNING: Final = ResidencyState.RUNNING
OFFLOADING: Final = ResidencyState.OFFLOADING

HOST: Final = Tier.HOST
GPU: Final = Tier.GPU
