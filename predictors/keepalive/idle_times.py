"""A function's idle times, counted in bins.

Source: Shahrad et al., USENIX ATC 2020: one-minute bins up to four hours, and a counter for what
is longer.
"""

from collections import deque

import numpy as np

from predictors.keepalive.protocol import Lifetime

BIN_S = 60.0
BINS = 240
SERIES = 64
"""Latest idle times kept for the forecast; the paper names no number."""


class IdleTimes:
    """Histogram, out-of-bounds counter and the latest values of one function.

    ``lifetime`` is what was last decided from them, None after every change.
    """

    def __init__(self) -> None:
        self.count = 0
        self.beyond = 0
        self.lifetime: Lifetime | None = None
        self._last_s: float | None = None
        self._bins = np.zeros(BINS, dtype=np.int64)
        self._square_sum = 0
        self._series_s: deque[float] = deque(maxlen=SERIES)

    @property
    def series_s(self) -> list[float]:
        """The latest idle times, oldest first."""
        return list(self._series_s)

    def observe(self, at_s: float) -> None:
        """Count the idle time that a call ends."""
        if self._last_s is not None:
            self._count(at_s - self._last_s)
        self._last_s = at_s

    def variation(self) -> float:
        """Return the coefficient of variation of the bin counts."""
        within = self.count - self.beyond
        return float(np.sqrt(max(0, BINS * self._square_sum - within**2)) / max(1, within))

    def bin_of(self, percent: int) -> int:
        """Return the bin in which a percentile of the idle times within bounds lies."""
        totals = np.cumsum(self._bins)
        return int(np.searchsorted(totals, -(-percent * totals[-1] // 100)))

    def _count(self, idle_s: float) -> None:
        self.count += 1
        self.lifetime = None
        self._series_s.append(idle_s)
        position = int(idle_s // BIN_S)
        if position >= BINS:
            self.beyond += 1
            return
        self._square_sum += 2 * int(self._bins[position]) + 1
        self._bins[position] += 1
