"""Gaps between calls, remembered for percentiles."""

from collections import deque
from math import ceil

REMEMBERED = 1000
"""Gaps kept of each function; older ones are forgotten."""


class Gaps:
    """The latest gaps between the calls of one function."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._gaps_s: deque[float] = deque(maxlen=REMEMBERED)
        self._known: dict[float, float] = {}

    def observe(self, at_s: float) -> None:
        """Note a call."""
        if self._last_s is not None:
            self._gaps_s.append(at_s - self._last_s)
            self._known.clear()
        self._last_s = at_s

    def percentile_s(self, share: float) -> float | None:
        """Return the smallest gap that ``share`` of all do not exceed; None without any."""
        if not self._gaps_s:
            return None
        if share not in self._known:
            rank = max(1, ceil(share * len(self._gaps_s)))
            self._known[share] = sorted(self._gaps_s)[rank - 1]
        return self._known[share]
