"""The distribution of gaps in logarithmic bins, conditional on the time already waited.

Source: the idle-time histogram of Shahrad et al., "Serverless in the Wild", USENIX ATC 2020, with
logarithmic bins in place of 240 of a minute, since chances within seconds are asked for.
"""

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.base import BasePredictor, Calls, Field
from predictors.arrival.forecast import MAX_ARRIVALS
from predictors.arrival.jit import jit, kernel
from predictors.arrival.prior import survival
from predictors.arrival.rows import share

BINS = 96
BINS_PER_OCTAVE = 4
FIRST_EDGE_S = 0.1
PRIOR_GAPS = 0.5
LEAST_SHARE = 1e-3
EDGES_S = np.concatenate([[0.0], FIRST_EDGE_S * 2.0 ** (np.arange(BINS) / BINS_PER_OCTAVE)])


class HistogramPredictor(BasePredictor):
    """P(call within h | waited w) = (S(w) - S(w + h)) / S(w) for the survival S of the gaps.

    Gaps count in bins a quarter of an octave wide from 0.1 s to 16 days, older ones less; half a
    gap's weight of prior fills the empty ones. Further calls follow the first at gaps of the same
    distribution.

    Parameters
    ----------
    retention
        Weight of a gap relative to the next one.
    levels
        Quantiles of the next arrival to give with each forecast.
    """

    def __init__(self, retention: float = 0.99, levels: tuple[float, ...] = ()) -> None:
        self.retention = retention
        super().__init__(levels)

    def _fields(self) -> dict[str, Field]:
        return {"reaching": Field((BINS + 1,), np.float32)}

    def _fold(self, calls: Calls) -> None:
        _add(calls.functions, calls.gap_s, self.retention, self._state["reaching"])

    def _at_least(
        self, now_s: float, horizon_s: float, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        at_least = np.empty((len(rows), MAX_ARRIVALS))
        reaching, waited_s = self._state["reaching"], self._waited_s(now_s, rows)
        share(
            lambda first, last: _answer(first, last, rows, reaching, waited_s, horizon_s, at_least),
            len(rows),
        )
        return at_least


PER_WIDTH_S = 1.0 / np.diff(EDGES_S)
PRIOR_REACHING = PRIOR_GAPS * np.array([survival(edge_s) for edge_s in EDGES_S])


SIGNIFICANT_BITS, EXPONENT_OF_ONE = 52, 1023
SIGNIFICAND = (1 << SIGNIFICANT_BITS) - 1
IN_OCTAVE = (2.0 ** (np.arange(1, BINS_PER_OCTAVE) / BINS_PER_OCTAVE)).view(np.int64) & SIGNIFICAND


@kernel
def _bin(gap_s: float) -> int:
    """Return the bin of a gap by exponent and significand, far quicker than by a logarithm."""
    if gap_s < FIRST_EDGE_S:
        return 0
    bits = np.float64(gap_s / FIRST_EDGE_S).view(np.int64)
    place = 1 + BINS_PER_OCTAVE * (int(bits >> SIGNIFICANT_BITS) - EXPONENT_OF_ONE)
    for edge in IN_OCTAVE:
        place += int((bits & SIGNIFICAND) >= edge)
    return min(BINS - 1, place)


@jit
def _add(
    functions: NDArray[np.int64],
    gap_s: NDArray[np.float64],
    retention: float,
    reaching: NDArray[np.float32],
) -> None:
    """Add each gap to all bins up to its own."""
    for i in range(len(functions)):
        if gap_s[i] < np.inf:
            row = reaching[functions[i]]
            row *= np.float32(retention)
            row[: _bin(gap_s[i]) + 1] += np.float32(1.0)


@kernel
def _mass_after(reaching: NDArray[np.float32], after_s: float) -> float:
    """Return the mass of gaps longer than ``after_s``, the prior's included."""
    b = _bin(after_s)
    share = min(1.0, (after_s - EDGES_S[b]) * PER_WIDTH_S[b])
    low, high = reaching[b] + PRIOR_REACHING[b], reaching[b + 1] + PRIOR_REACHING[b + 1]
    return float(low + share * (high - low))


@kernel
def _answer(
    first: int,
    last: int,
    rows: NDArray[np.int64],
    reaching: NDArray[np.float32],
    waited_s: NDArray[np.float64],
    horizon_s: float,
    at_least: NDArray[np.float64],
) -> None:
    for place in range(first, last):
        _chances(reaching[rows[place]], waited_s[place], horizon_s, at_least[place])


@kernel
def _chances(
    reaching: NDArray[np.float32], waited_s: float, horizon_s: float, at_least: NDArray[np.float64]
) -> None:
    """Integrate over the time of the first call the chance that others follow it in time."""
    end_s = waited_s + horizon_s
    left = _mass_after(reaching, waited_s)
    per_total, per_left = 1.0 / _mass_after(reaching, 0.0), 1.0 / left
    at_least[:] = 0.0
    at_least[0] = 1.0 - _mass_after(reaching, end_s) * per_left
    low_s, low_mass = waited_s, left
    for b in range(_bin(waited_s), _bin(end_s) + 1):
        high_s = min(EDGES_S[b + 1], end_s)
        high_mass = _mass_after(reaching, high_s)
        share = (low_mass - high_mass) * per_left
        if share > LEAST_SHARE:
            for part in (0.21, 0.79):
                remaining_s = end_s - low_s - part * (high_s - low_s)
                follow = 0.5 * share
                for j in range(1, MAX_ARRIVALS):
                    follow *= 1.0 - _mass_after(reaching, remaining_s / j) * per_total
                    at_least[j] += follow
        low_s, low_mass = high_s, high_mass
