"""Time left of a solve."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

Clock = Callable[[], float]


@dataclass(frozen=True)
class Deadline:
    """A wall-clock limit that starts when it is made.

    Parameters
    ----------
    limit_s
        Seconds allowed.
    clock
        Returns seconds, never falling.
    """

    limit_s: float
    clock: Clock = perf_counter
    start_s: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "start_s", self.clock())

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return self.clock() - self.start_s

    @property
    def left_s(self) -> float:
        """Seconds until the limit, never below 0."""
        return max(0.0, self.limit_s - self.elapsed_s)

    @property
    def passed(self) -> bool:
        """Whether the limit is reached."""
        return self.elapsed_s >= self.limit_s
