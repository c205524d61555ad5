"""Looks at the memory of an instance now and then, at little cost."""

import asyncio
from collections.abc import Callable

_PERIOD_S = 0.5
_SHARE = 0.05
"""Watching may take this share of the manager's time."""


class MemoryWatch:
    """Has memory measured when functions may have changed or the instance may be over its limit.

    The sum of resident sets is cheap. Since what is really held grows by no more than that sum
    does, the costly measurement is made only when the sum has grown by the room that the last one
    left, or after something has ``changed``.

    Parameters
    ----------
    room_bytes
        What may be held.
    resident_bytes
        Gives the sum of the resident sets.
    measure
        Makes the costly measurement and returns what is held.
    """

    def __init__(
        self, room_bytes: int, resident_bytes: Callable[[], int], measure: Callable[[], int]
    ) -> None:
        self._room_bytes = room_bytes
        self._resident_bytes = resident_bytes
        self._measure = measure
        self._alarm_bytes = room_bytes
        self._changed = False
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(_PERIOD_S, self._look)

    def changed(self) -> None:
        """Have a measurement made soon."""
        self._changed = True

    def close(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        begun_s = self._loop.time()
        resident_bytes = self._resident_bytes()
        if self._changed or resident_bytes > self._alarm_bytes:
            self._changed = False
            self._alarm_bytes = resident_bytes + max(0, self._room_bytes - self._measure())
        cost_s = self._loop.time() - begun_s
        self._timer = self._loop.call_later(max(_PERIOD_S, cost_s / _SHARE), self._look)
