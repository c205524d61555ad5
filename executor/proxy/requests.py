"""What clients have asked of an instance and must still be answered: loads ahead, and a call."""

from dataclasses import dataclass

from .outcomes import Failed
from .residency import Need, Removal, Residency, State, Tier
from .shelf import Shelf


@dataclass(slots=True)
class Call:
    """The call in the instance; ``failure`` is what it will end with once its function is gone."""

    id: str
    function: str
    keep: frozenset[str]
    need: Need
    tier: Tier
    waited: bool = False
    failure: Failed | None = None

    def displaces(self, function: str) -> bool:
        """Whether a function must go before this call runs."""
        return function != self.function and function not in self.keep

    def ending(self, held: Residency, removal: Removal) -> Failed | None:
        """Return how it ends now that its function has died; None if it can be loaded again."""
        if self.failure is not None:
            return self.failure
        if held.state is State.RUNNING:
            return Failed(self.id, "crash", removal.reason)
        if held.state in (State.LOADING, State.MOVING):
            return Failed(self.id, "load", removal.reason)
        return None


@dataclass(frozen=True, slots=True)
class LoadAhead:
    """A request to load ahead that waits for a residency to be gone, or for a call's own load."""

    function: str
    need: Need
    tier: Tier

    def refusal(self, held: Residency | None, call: Call | None, shelf: Shelf) -> str | None:
        """Say why it may not start, now or later, beside a call and all that is held."""
        if call is not None and self.function != call.function:
            kept = held is not None and held.state in (State.READY, State.MOVING)
            return None if kept else "the instance serves a call"
        if held is None and call is None:
            shortage = shelf.shortage_bytes(self.need)
            if shortage > 0:
                expected = self.need.memory_bytes
                return f"expected to hold {expected} bytes; the instance lacks {shortage}"
        return None
