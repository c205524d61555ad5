"""Where the time comes from: always a parameter, never the module ``time`` itself."""

import time
from collections.abc import Callable
from typing import Protocol, TypeAlias

Clock: TypeAlias = Callable[[], float]
"""Returns seconds that never run backwards; zero is midnight (UTC) before the clock was made."""


class Timer(Protocol):
    """A clock that can call back: the loop of asyncio, or the heap of a simulation."""

    def now_s(self) -> float:
        """Return the present time."""
        ...

    def at(self, at_s: float, callback: Callable[[], None]) -> None:
        """Call back at a time, or as soon as may be when that has passed."""
        ...


DAY_S = 86_400.0


def since_midnight(
    wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
) -> Clock:
    """Make a clock that starts at the time of day and then follows ``monotonic``."""
    offset_s = wall() % DAY_S - monotonic()
    return lambda: offset_s + monotonic()
