"""Gaps between the calls of a function, and which of them few exceed."""

from collections import deque
from itertools import pairwise

LEAST_CALLS = 21
"""Calls in a window from which its percentile is taken; with fewer the last one holds."""
REMEMBERED = 1000
"""Latest calls kept of a window; ours, against functions with very many."""


class Gaps:
    """A percentile of the gaps within the last whole window that had enough calls.

    Parameters
    ----------
    share
        Which percentile, as a share of all gaps.
    first_s
        What it is taken to be until it is known.
    """

    def __init__(self, share: float, first_s: float) -> None:
        self._share = share
        self._percentile_s = first_s
        self._window = 0
        self._calls_s: deque[float] = deque(maxlen=REMEMBERED)

    def observe(self, at_s: float, window: int) -> None:
        """Note a call in a window; windows are counted and never go back."""
        self._move_to(window)
        self._calls_s.append(at_s)

    def percentile_s(self, window: int) -> float:
        """Return the percentile as known when a window begins."""
        self._move_to(window)
        return self._percentile_s

    def _move_to(self, window: int) -> None:
        if window == self._window:
            return
        if len(self._calls_s) >= LEAST_CALLS:
            gaps_s = sorted(later - earlier for earlier, later in pairwise(self._calls_s))
            self._percentile_s = gaps_s[int(self._share * len(gaps_s)) - 1]
        self._calls_s.clear()
        self._window = window
