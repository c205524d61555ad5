"""Kinds of functions."""

import numpy as np

from bench.predictors.classes import BURSTY, RARE, REGULAR, TIMER_LIKE, classify
from tests.bench.predictors.small import trace_of


def test_each_kind_is_recognised() -> None:
    counts = np.zeros((5, 480), np.int32)
    counts[0, ::10] = 1
    counts[1, np.cumsum([5, 15] * 20)] = 1
    counts[2, np.r_[0:30, 400:430]] = 2
    counts[3, [7, 90, 300, 301, 302]] = 1
    counts[4, 100] = 50
    kinds = classify(trace_of(counts)).tolist()
    assert kinds == [TIMER_LIKE, REGULAR, BURSTY, RARE, RARE]
