"""What the manager tells its clients; each travels as a frame whose ``event`` is the class name."""

from dataclasses import asdict, dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Up:
    """The manager takes requests; ``isolation`` says how its functions are kept apart."""

    base_bytes: int
    isolation: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load took, as the function measured it, and what the function holds since.

    ``move_s`` is how long its last way to the GPU took; 0 where it was never on one.
    """

    import_s: float
    load_s: float
    memory_bytes: int = 0
    library_bytes: int = 0
    move_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Loaded:
    """A function said that it is ready, in ``tier``."""

    function: str
    tier: str
    report: LoadReport


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """A load ended, and nothing of it is left; ``blame`` if the function itself is at fault."""

    function: str
    error: str
    blame: bool


@dataclass(frozen=True, slots=True)
class Offloaded:
    """A residency is confirmed gone: as asked, or by its own death (``error``)."""

    function: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Started:
    """The function has the request; with a report if the call had to load it or wait for that."""

    call: str
    function: str
    tier: str
    report: LoadReport | None


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """The function has answered in part; the part travels behind this message."""

    call: str


@dataclass(frozen=True, slots=True)
class Completed:
    """The function has answered; the answer, empty after parts, travels behind this message."""

    call: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A call ended without an answer; its function is still loaded only after kind ``error``.

    Kinds: ``error``, ``crash``, ``load``, ``deadline``, ``cancelled``.
    """

    call: str
    kind: str
    error: str


@dataclass(frozen=True, slots=True)
class Measured:
    """What is held now: by function, and by library for all its functions together."""

    memory_bytes: dict[str, int]
    library_bytes: dict[str, int]


@dataclass(frozen=True, slots=True)
class SnapshotFailed:
    """A function was not restored, or not kept, for this reason; it is loaded as without."""

    function: str
    error: str


Outcome: TypeAlias = (
    Up
    | Loaded
    | LoadFailed
    | Offloaded
    | Started
    | AnswerPart
    | Completed
    | Failed
    | Measured
    | SnapshotFailed
)


def to_header(outcome: Outcome) -> dict[str, Any]:
    """Write an outcome as the JSON of a frame."""
    return {"event": type(outcome).__name__, **asdict(outcome)}
