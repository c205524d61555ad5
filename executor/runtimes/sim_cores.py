"""Simulated work that shares processors."""

import math
from collections.abc import Callable
from heapq import heappop, heappush

from executor.clock import Timer


class SharedCores:
    """A timer that counts work: seconds pass on it for as long as all that is due gets a core.

    Every callback that is awaited stands for work of one processor since it was asked for. While
    that is more than there are cores, they are shared equally, so that all of it advances alike and
    a single count, of the seconds that each piece of work has had, says when which is done.

    Parameters
    ----------
    timer
        The clock of the simulation.
    cores
        How many there are.
    crowding
        How many times longer work takes while none of them is idle: what takes turns on a core
        finds its caches cold, and whatever else the machine does no longer has a core of its own.
    """

    def __init__(self, timer: Timer, cores: float, crowding: float = 1.0) -> None:
        self._timer = timer
        self._cores = cores
        self._crowding = crowding
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._had_s = timer.now_s()
        self._counted_s = timer.now_s()
        self._wake_number = 0

    def now_s(self) -> float:
        """Return the seconds that work under way since the start would have had."""
        now_s = self._timer.now_s()
        self._had_s += (now_s - self._counted_s) * self._rate()
        self._counted_s = now_s
        return self._had_s

    def at(self, at_s: float, callback: Callable[[], None]) -> None:
        """Call back when the count comes to ``at_s``."""
        now_s = self.now_s()
        self._count += 1
        heappush(self._heap, (max(at_s, now_s), self._count, callback))
        self._wake()

    def _rate(self) -> float:
        """Return the share of a core that each piece of work has now."""
        share = self._cores / len(self._heap) if self._heap else math.inf
        return share / self._crowding if share <= 1.0 else 1.0

    def _wake(self) -> None:
        """See to it that the next callback comes in time; of several dates the last one counts."""
        if not self._heap:
            return
        self._wake_number += 1
        number = self._wake_number
        left_s = (self._heap[0][0] - self._had_s) / self._rate()

        def due() -> None:
            if number == self._wake_number:
                self._call()

        self._timer.at(self._timer.now_s() + left_s, due)

    def _call(self) -> None:
        """Call back the first; rounding may have left the count a trifle short of it."""
        self.now_s()
        at_s, _, callback = heappop(self._heap)
        self._had_s = max(self._had_s, at_s)
        self._wake()
        callback()
