"""A renewal process with the gaps that the function had of late.

The gap distribution is the empirical one of the last 24 gaps, each spread halfway to its
neighbours in length: periodic calls are sharp, and in a burst the short gaps just seen make a
second call likely. A little mass follows the prior, so that the hazard beyond the longest gap is
not zero.

Source: the forward recurrence time of Cox, "Renewal Theory", Methuen 1962, with an empirical
distribution of gaps.
"""

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.base import BasePredictor, Calls, Field
from predictors.arrival.forecast import MAX_ARRIVALS
from predictors.arrival.jit import jit
from predictors.arrival.prior import survival
from predictors.arrival.rows import share

GAPS = 24
PRIOR_GAPS = 0.1
MARGIN_RATIO = 0.02
LEAST_MARGIN_S = 0.25
LEAST_GAP_S = 1e-3


class RenewalPredictor(BasePredictor):
    """Chances by the last 24 gaps, all alike.

    Parameters
    ----------
    levels
        Quantiles of the next arrival to give with each forecast.
    """

    def _fields(self) -> dict[str, Field]:
        return {
            "gaps_s": Field((GAPS,), np.float32),
            "order": Field((GAPS,), np.int8),
            "known": Field((), np.int64),
        }

    def _fold(self, calls: Calls) -> None:
        state = self._state
        _push(calls.functions, calls.gap_s, state["gaps_s"], state["order"], state["known"])

    def _at_least(
        self, now_s: float, horizon_s: float, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        gaps_s, order, known = (self._state[name] for name in ("gaps_s", "order", "known"))
        at_least, waited_s = np.empty((len(rows), MAX_ARRIVALS)), self._waited_s(now_s, rows)

        def answer(first: int, last: int) -> None:
            _answer(first, last, rows, gaps_s, order, known, waited_s, horizon_s, at_least)

        share(answer, len(rows))
        return at_least


@jit
def _push(
    functions: NDArray[np.int64],
    gap_s: NDArray[np.float64],
    gaps_s: NDArray[np.float32],
    order: NDArray[np.int8],
    known: NDArray[np.int64],
) -> None:
    """Put each gap in the place of the oldest one and keep ``order``, shortest gap first."""
    for i in range(len(functions)):
        if gap_s[i] < np.inf:
            function = functions[i]
            gaps, ranks = gaps_s[function], order[function]
            place = known[function] % GAPS
            rank = min(known[function], GAPS - 1)
            if known[function] >= GAPS:
                rank = 0
                while ranks[rank] != place:
                    rank += 1
            gap = np.float32(max(gap_s[i], LEAST_GAP_S))
            while rank > 0 and gaps[ranks[rank - 1]] > gap:
                ranks[rank] = ranks[rank - 1]
                rank -= 1
            last = min(known[function], GAPS - 1)
            while rank < last and gaps[ranks[rank + 1]] < gap:
                ranks[rank] = ranks[rank + 1]
                rank += 1
            ranks[rank] = place
            gaps[place] = gap
            known[function] += 1


@jit
def _answer(
    first: int,
    last: int,
    rows: NDArray[np.int64],
    gaps_s: NDArray[np.float32],
    order: NDArray[np.int8],
    known: NDArray[np.int64],
    waited_s: NDArray[np.float64],
    horizon_s: float,
    at_least: NDArray[np.float64],
) -> None:
    sorted_s, edges_s = np.empty(GAPS), np.empty(GAPS + 1)
    for place in range(first, last):
        function = rows[place]
        n = min(GAPS, known[function])
        for rank in range(n):
            sorted_s[rank] = gaps_s[function, order[function, rank]]
        _set_edges(sorted_s[:n], edges_s[: n + 1])
        _chances(sorted_s[:n], edges_s[: n + 1], waited_s[place], horizon_s, at_least[place])


@jit
def _set_edges(sorted_s: NDArray[np.float64], edges_s: NDArray[np.float64]) -> None:
    """Set the bounds between gaps next to each other in length, and a margin at both ends."""
    n = len(sorted_s)
    edges_s[0] = 0.0
    if n > 0:
        shortest, longest = sorted_s[0], sorted_s[n - 1]
        edges_s[0] = shortest - max(LEAST_MARGIN_S, MARGIN_RATIO * shortest)
        edges_s[n] = longest + max(LEAST_MARGIN_S, MARGIN_RATIO * longest)
    for rank in range(1, n):
        edges_s[rank] = 0.5 * (sorted_s[rank - 1] + sorted_s[rank])


@jit
def _chances(
    sorted_s: NDArray[np.float64],
    edges_s: NDArray[np.float64],
    waited_s: float,
    horizon_s: float,
    at_least: NDArray[np.float64],
) -> None:
    """Sum over what ends the present gap the chances of that and of further calls in time."""
    n, end_s = len(sorted_s), waited_s + horizon_s
    passed = _count_below(edges_s, waited_s)
    unlike = PRIOR_GAPS * survival(waited_s)
    left = n - passed + unlike
    chance = (unlike - PRIOR_GAPS * survival(end_s)) / left
    at_least[0] = chance
    for j in range(1, MAX_ARRIVALS):
        chance *= _within(edges_s, 0.5 * horizon_s / j)
        at_least[j] = chance
    for rank in range(int(passed), n):
        if edges_s[rank] >= end_s:
            break
        reached = _count_below(edges_s, min(end_s, edges_s[rank + 1]))
        chance = (reached - passed) / left
        passed = reached
        at_least[0] += chance
        remaining_s = end_s - max(waited_s, sorted_s[rank])
        for j in range(1, MAX_ARRIVALS):
            chance *= _within(edges_s, remaining_s / j)
            at_least[j] += chance


@jit
def _count_below(edges_s: NDArray[np.float64], time_s: float) -> float:
    """Return how many gaps are up to ``time_s``, with a share of the one around it."""
    low, high = 0, len(edges_s) - 1
    if time_s <= edges_s[low]:
        return 0.0
    if time_s >= edges_s[high]:
        return float(high)
    while high - low > 1:
        middle = (low + high) // 2
        if edges_s[middle] <= time_s:
            low = middle
        else:
            high = middle
    return float(low + (time_s - edges_s[low]) / (edges_s[high] - edges_s[low]))


@jit
def _within(edges_s: NDArray[np.float64], time_s: float) -> float:
    """Return the chance that a new gap is at most ``time_s``."""
    if time_s <= 0.0:
        return 0.0
    unlike = PRIOR_GAPS * (1.0 - survival(time_s))
    return float((_count_below(edges_s, time_s) + unlike) / (len(edges_s) - 1 + PRIOR_GAPS))
