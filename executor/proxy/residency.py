"""One function in an instance, from the start of its process to the confirmed end of it."""

from dataclasses import dataclass, replace
from enum import StrEnum

from .outcomes import LoadReport


class Tier(StrEnum):
    """Where a loaded function has its model; it is loaded to memory and goes on from there."""

    HOST = "host"
    GPU = "gpu"


class State(StrEnum):
    """Where a residency is; gone is no state, it is absence.

    ``SETTLING``: it has answered but not yet said that it waits for the next request. ``MOVING``:
    it was told to go to another tier and has not yet said that it is there.
    """

    LOADING = "loading"
    READY = "ready"
    MOVING = "moving"
    RUNNING = "running"
    SETTLING = "settling"
    OFFLOADING = "offloading"


_NEXT = {
    State.LOADING: {State.READY, State.OFFLOADING},
    State.READY: {State.RUNNING, State.MOVING, State.OFFLOADING},
    State.MOVING: {State.READY, State.OFFLOADING},
    State.RUNNING: {State.SETTLING, State.OFFLOADING},
    State.SETTLING: {State.READY, State.OFFLOADING},
    State.OFFLOADING: set[State](),
}
"""The legal steps; from every state a process may also die, and then the residency is gone."""


class IllegalStep(Exception):
    """A residency was to take a step that is not in its table: a bug of the machine."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Why a residency was taken away.

    ``asked``: for a request or to make room for a call, rather than for a fault; ``blame``: the
    fault is the function's own.
    """

    reason: str
    asked: bool = True
    blame: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """What a function is expected to hold; its library's bytes count once in an instance.

    ``library`` is empty for a function that shares none.
    """

    memory_bytes: int
    library: str = ""
    library_bytes: int = 0


@dataclass(slots=True)
class Library:
    """What functions share of the modules that they import, held by a process of its own."""

    memory_bytes: int
    leaving: bool = False


@dataclass(slots=True)
class Residency:
    """State of one function's process.

    Attributes
    ----------
    memory_bytes
        What it was expected to hold and, once measured, what it holds.
    library
        The library that it shares with others, empty for none.
    tier, wanted
        Where it is, and where it shall be.
    loads, offloads
        How many such requests it still has to answer.
    known
        Whether a client was told that it is loaded.
    """

    memory_bytes: int
    library: str = ""
    state: State = State.LOADING
    tier: Tier = Tier.HOST
    wanted: Tier = Tier.HOST
    loads: int = 0
    offloads: int = 0
    known: bool = False
    report: LoadReport | None = None
    removal: Removal | None = None

    def step(self, state: State) -> None:
        """Go on to another state.

        Raises
        ------
        IllegalStep
            If the table does not have it.
        """
        if state not in _NEXT[self.state]:
            raise IllegalStep(f"{self.state} -> {state}")
        self.state = state

    def arrive(self, tier: Tier, move_s: float) -> None:
        """End a move; how long the way to a GPU took is reported."""
        self.step(State.READY)
        self.tier = tier
        if tier is Tier.GPU and self.report is not None:
            self.report = replace(self.report, move_s=move_s)

    def remove(self, removal: Removal) -> None:
        """Begin to take it away."""
        self.step(State.OFFLOADING)
        self.removal = removal
