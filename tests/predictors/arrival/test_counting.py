"""Chances of counts."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictors.arrival.counting import gamma_poisson_at_least, poisson_at_least


def at_least(exactly: list[float]) -> list[float]:
    return [1.0 - math.fsum(exactly[:j]) for j in range(1, 5)]


@given(mean=st.floats(0.0, 50.0))
def test_poisson_counts(mean: float) -> None:
    exactly = [math.exp(-mean) * mean**i / math.factorial(i) for i in range(4)]
    assert poisson_at_least(np.array([mean]))[0] == pytest.approx(at_least(exactly), abs=1e-9)


@given(shape=st.floats(0.01, 200.0), exposure_s=st.floats(1.0, 1e5), horizon_s=st.floats(0.1, 1e4))
def test_counts_of_an_unknown_rate(shape: float, exposure_s: float, horizon_s: float) -> None:
    ahead = horizon_s / (exposure_s + horizon_s)
    exactly = [
        math.exp(math.lgamma(shape + i) - math.lgamma(shape) + shape * math.log1p(-ahead))
        * ahead**i
        / math.factorial(i)
        for i in range(4)
    ]
    found = gamma_poisson_at_least(np.array([shape]), np.array([exposure_s]), horizon_s)[0]
    assert found == pytest.approx(at_least(exactly), abs=1e-8)


def test_a_well_known_rate_is_poisson() -> None:
    known = gamma_poisson_at_least(np.array([3e6]), np.array([1e6]), 0.7)
    assert known == pytest.approx(poisson_at_least(np.array([2.1])), abs=1e-5)
