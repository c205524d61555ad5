"""The sliding-window rate."""

import numpy as np
import pytest

from predictors.arrival.poisson import PoissonPredictor


def after(times_s: list[float]) -> PoissonPredictor:
    predictor = PoissonPredictor(window_s=600.0)
    predictor.resize(2)
    for at_s in times_s:
        predictor.observe(0, at_s)
    return predictor


def test_rate_is_arrivals_over_span() -> None:
    at_least = after([0.0, 10.0, 20.0, 30.0]).forecast(100.0, 50.0).at_least
    mean = 4 / 100 * 50
    assert at_least[0, 0] == pytest.approx(1 - np.exp(-mean))
    assert at_least[0, 1] == pytest.approx(1 - np.exp(-mean) * (1 + mean))
    assert at_least[0, 3] == pytest.approx(
        1 - np.exp(-mean) * (1 + mean + mean**2 / 2 + mean**3 / 6)
    )
    assert at_least[1].tolist() == [0.0] * 4


def test_arrivals_leave_the_window() -> None:
    predictor = after([0.0, 1.0, 500.0])
    assert predictor.forecast(600.0, 60.0).at_least[0, 0] == pytest.approx(1 - np.exp(-1 / 10))
    assert predictor.forecast(1200.0, 60.0).at_least[0, 0] == 0.0


def test_quantiles_are_those_of_the_exponential() -> None:
    predictor = after([float(10 * i) for i in range(60)])
    predictor.levels = (0.06, 0.94)
    quantiles_s = predictor.forecast(600.0 - 1e-6, 60.0).next_arrival_s
    assert quantiles_s[0] == pytest.approx(-np.log1p([-0.06, -0.94]) * 10, rel=0.02)
    assert np.isinf(quantiles_s[1]).all()
