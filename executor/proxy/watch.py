"""Looks at the memory of function processes now and then, at little cost."""

import asyncio
from collections.abc import Callable

from . import memory

_PERIOD_S = 0.5
_SHARE = 0.05
"""Watching may take this share of the manager's time."""


class MemoryWatch:
    """Calls ``on_measured`` when functions may have changed or the instance may be over its limit.

    The sum of resident sets is cheap and never below what is really held; the costly measurement
    is made only when that sum is over ``room_bytes``, or after functions have ``changed``.
    """

    def __init__(
        self,
        room_bytes: int,
        pids: Callable[[], dict[str, int]],
        on_measured: Callable[[dict[str, int]], None],
    ) -> None:
        self._room_bytes = room_bytes
        self._pids = pids
        self._on_measured = on_measured
        self._changed: set[str] = set()
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(_PERIOD_S, self._look)

    def changed(self, function: str) -> None:
        """Have a function measured soon."""
        self._changed.add(function)

    def close(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        begun_s = self._loop.time()
        pids = self._pids()
        resident = memory.measure(pids.values(), memory.resident_bytes)
        if self._changed or sum(resident.values()) > self._room_bytes:
            self._changed.clear()
            held = memory.measure(pids.values(), memory.proportional_bytes)
            self._on_measured({function: held[pid] for function, pid in pids.items()})
        cost_s = self._loop.time() - begun_s
        self._timer = self._loop.call_later(max(_PERIOD_S, cost_s / _SHARE), self._look)
