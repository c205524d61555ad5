"""Quantiles from chances."""

import numpy as np
import pytest

from predictors.arrival.quantiles import invert


def test_constant_rates_are_inverted() -> None:
    rates_per_s = np.array([1.0, 1e-2, 1e-4])
    quantiles_s = invert(lambda after_s: -np.expm1(-rates_per_s * after_s), (0.1, 0.5, 0.9))
    exact_s = -np.log1p(-np.array([0.1, 0.5, 0.9])) / rates_per_s[:, None]
    assert quantiles_s == pytest.approx(exact_s, rel=0.01)


def test_a_call_at_a_known_time_is_found_within_a_step_of_the_grid() -> None:
    quantiles_s = invert(lambda after_s: np.array([float(after_s >= 600.0)]), (0.05, 0.95))
    assert np.all((quantiles_s > 500.0) & (quantiles_s < 720.0))


def test_what_may_never_come_has_no_quantile() -> None:
    quantiles_s = invert(lambda after_s: np.array([min(0.4, after_s / 100.0)]), (0.3, 0.5))
    assert quantiles_s[0, 0] == pytest.approx(30.0, rel=0.1)
    assert np.isinf(quantiles_s[0, 1])
