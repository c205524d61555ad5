"""Where the time comes from: always a parameter, never the module ``time`` itself."""

from collections.abc import Callable
from time import monotonic
from typing import TypeAlias

Clock: TypeAlias = Callable[[], float]
"""Returns seconds that never run backwards; the origin is arbitrary."""

live_clock: Clock = monotonic
