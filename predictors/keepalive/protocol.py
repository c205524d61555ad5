"""What a keep-alive policy answers: when instances are created, how long they idle, who goes first.

A policy is statistics only. It knows functions by index, owns no instance and reads no clock; the
caller tells it what happened and carries out what it answers.
"""

from dataclasses import dataclass
from typing import Protocol

INF = float("inf")


@dataclass(frozen=True, slots=True)
class FunctionTraits:
    """What a policy may know of a function beforehand.

    Attributes
    ----------
    memory_bytes
        What one instance of it takes with the model loaded.
    start_s
        Container start, library import and model load together.
    kind
        Runtime the function needs; stem cells of that kind fit it.
    packages
        Names of the packages it imports.
    """

    memory_bytes: int
    start_s: float
    kind: str = ""
    packages: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Lifetime:
    """What shall become of an instance that has just turned idle.

    Attributes
    ----------
    keep_alive_s
        How long it idles before it is removed. With a pre-warm window this counts from the end of
        the window.
    prewarm_after_s
        0: the instance stays. Positive: it is removed at once and a new one is created after this
        long, unless a call of the function has come in between.
    lend_after_s
        After idling this long it may be rented by the functions in ``renters``.
    """

    keep_alive_s: float
    prewarm_after_s: float = 0.0
    lend_after_s: float = INF


@dataclass(frozen=True, slots=True)
class StemCell:
    """Containers kept ready that belong to no function yet.

    A cold start of a function with this ``kind`` and this very memory takes one and skips the
    container's start; the caller then replaces it. Under memory pressure they go last.
    """

    kind: str
    memory_bytes: int
    count: int


class KeepAlivePolicy(Protocol):
    """A pre-warming method. Functions are 0..n-1 in the order of ``add``; times never go back."""

    def add(self, traits: FunctionTraits) -> int:
        """Take a new function in and return its index."""
        ...

    def observe(self, function: int, at_s: float) -> None:
        """Note that a call of ``function`` arrived."""
        ...

    def cold_started(self, function: int, at_s: float) -> None:
        """Note that a call of ``function`` found no instance and had one created or rented."""
        ...

    def lifetime(self, function: int, at_s: float, *, rented: bool = False) -> Lifetime:
        """Decide what becomes of an instance of ``function`` that a call has just left idle.

        ``rented`` says that the function rented the instance from another one. An instance that
        was created ahead of a call lives by the answer that asked for it.
        """
        ...

    def idle_target(self, function: int, busy: int) -> int:
        """Return how many idle instances must exist while ``busy`` ones serve calls.

        Missing ones are created at once; those within the target neither expire nor are evicted.
        """
        ...

    def eviction_priority(self, function: int, idle_since_s: float) -> float:
        """Rank an idle instance under memory pressure: the lowest is removed first."""
        ...

    def removed(self, function: int, *, evicted: bool, left: int) -> None:
        """Note that an instance went (``evicted``: under memory pressure), ``left`` remaining."""
        ...

    def stem_cells(self) -> tuple[StemCell, ...]:
        """Return the unbound containers to keep ready."""
        ...

    def renters(self, function: int, at_s: float) -> tuple[int, ...]:
        """Return the functions that may rent an instance lent by ``function``."""
        ...
