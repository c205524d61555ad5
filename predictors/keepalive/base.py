"""The answers that most policies give alike."""

from predictors.keepalive.protocol import FunctionTraits, Lifetime, StemCell


class BasePolicy:
    """A policy that creates nothing ahead, lends nothing and evicts the least recently used.

    Subclasses say what ``lifetime`` is and override what differs.
    """

    def __init__(self) -> None:
        self._traits: list[FunctionTraits] = []

    def add(self, traits: FunctionTraits) -> int:
        """Take a new function in and return its index."""
        self._traits.append(traits)
        return len(self._traits) - 1

    def observe(self, function: int, at_s: float) -> None:
        """Learn nothing from calls."""

    def cold_started(self, function: int, at_s: float) -> None:
        """Learn nothing from cold starts."""

    def lifetime(self, function: int, at_s: float, *, rented: bool = False) -> Lifetime:
        """Decide what becomes of an instance of ``function`` that a call has just left idle."""
        raise NotImplementedError

    def idle_target(self, function: int, busy: int) -> int:  # noqa: ARG002
        """Require no idle instance."""
        return 0

    def eviction_priority(self, function: int, idle_since_s: float) -> float:  # noqa: ARG002
        """Rank by the time of last use."""
        return idle_since_s

    def removed(self, function: int, *, evicted: bool, left: int) -> None:
        """Learn nothing from removals."""

    def stem_cells(self) -> tuple[StemCell, ...]:
        """Keep no unbound container."""
        return ()

    def renters(self, function: int, at_s: float) -> tuple[int, ...]:  # noqa: ARG002
        """Lend to nobody."""
        return ()
