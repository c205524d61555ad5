"""Habits of the clock."""

import numpy as np
import pytest

from predictors.arrival.seasonal import SeasonalPredictor
from tests.predictors.arrival.histories import after

HOUR_S, DAY_S = 3600.0, 86400.0


def test_the_top_of_the_hour() -> None:
    predictor = after(SeasonalPredictor(), np.arange(0.0, 20 * HOUR_S, HOUR_S) + 2.0)
    assert predictor.forecast(20 * HOUR_S - 10.0, 20.0).at_least[0, 0] > 0.9
    assert predictor.forecast(19.5 * HOUR_S, 600.0).at_least[0, 0] < 0.05


def test_the_hour_of_the_day() -> None:
    rng = np.random.default_rng(0)
    days_s = np.repeat(np.arange(10) * DAY_S, 30)
    times_s = np.sort(days_s + 9 * HOUR_S + rng.uniform(0, HOUR_S, 300))
    predictor = after(SeasonalPredictor(), times_s)
    day_s = 10 * DAY_S
    night, morning = (
        predictor.forecast(day_s + hour * HOUR_S, 600.0).at_least[0, 0] for hour in (3, 9)
    )
    assert night < 0.1
    assert morning > 0.8


def test_several_calls_in_a_slot_are_expected_again() -> None:
    times_s = np.sort([hour * HOUR_S + second for hour in range(30) for second in (1.0, 1.1, 1.2)])
    at_least = after(SeasonalPredictor(), times_s).forecast(30 * HOUR_S, 10.0).at_least[0]
    assert at_least[0] > 0.9
    assert at_least[1] == pytest.approx(at_least[0] * 60 / 91, rel=0.01)
