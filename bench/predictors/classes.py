"""Kinds of functions by how they are called."""

import numpy as np
from numpy.typing import NDArray

from bench.traces.minutes import MinuteTrace, gap_cv

TIMER_LIKE, REGULAR, BURSTY, RARE = "timer-like", "regular", "bursty", "rare"
CLASSES = (TIMER_LIKE, REGULAR, BURSTY, RARE)
RARE_CALLS_PER_HOUR = 1.0
TIMER_GAP_CV, REGULAR_GAP_CV = 0.1, 1.0


def classify(trace: MinuteTrace) -> NDArray[np.str_]:
    """Return the class of each function.

    Rare ones have fewer than one call an hour, or too few active minutes to tell; the others are
    told apart by the coefficient of variation of their gaps: below 0.1, below 1, and above.
    """
    per_hour = trace.counts.sum(axis=1) / (trace.counts.shape[1] / 60.0)
    variation = gap_cv(trace.counts)
    kinds = np.where(variation < REGULAR_GAP_CV, REGULAR, BURSTY)
    kinds = np.where(variation < TIMER_GAP_CV, TIMER_LIKE, kinds)
    return np.where((per_hour < RARE_CALLS_PER_HOUR) | np.isnan(variation), RARE, kinds)
