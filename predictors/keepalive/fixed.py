"""Policies that learn nothing: a fixed idle time, its floor and its ceiling."""

from predictors.keepalive.base import BasePolicy
from predictors.keepalive.protocol import INF, Lifetime


class FixedKeepAlive(BasePolicy):
    """Every instance idles ``keep_alive_s`` after its last call; least recently used goes first."""

    def __init__(self, keep_alive_s: float) -> None:
        super().__init__()
        self.keep_alive_s = keep_alive_s

    def lifetime(self, function: int, at_s: float, *, rented: bool = False) -> Lifetime:  # noqa: ARG002
        """Return the fixed idle time."""
        return Lifetime(self.keep_alive_s)


class NoKeepAlive(FixedKeepAlive):
    """The floor: an instance is removed as soon as its call ends."""

    def __init__(self) -> None:
        super().__init__(0.0)


class AlwaysOn(FixedKeepAlive):
    """The ceiling: one idle instance of every function always exists, and none expires."""

    def __init__(self) -> None:
        super().__init__(INF)

    def idle_target(self, function: int, busy: int) -> int:  # noqa: ARG002
        """Require one instance, serving or idle."""
        return max(0, 1 - busy)
