"""Gaps in logarithmic bins."""

import numpy as np
import pytest

from predictors.arrival.histogram import HistogramPredictor
from tests.predictors.arrival.histories import after


def test_a_function_called_every_ten_minutes_is_expected_when_they_are_over() -> None:
    predictor = after(HistogramPredictor(), np.arange(0.0, 36_000.0, 600.0))
    last_s = 35_400.0
    assert predictor.forecast(last_s + 60.0, 60.0).at_least[0, 0] < 0.02
    assert predictor.forecast(last_s + 560.0, 200.0).at_least[0, 0] > 0.9


def test_chances_are_conditional_on_the_time_waited() -> None:
    times_s = np.cumsum([10.0, 1000.0] * 40)
    predictor = after(HistogramPredictor(retention=1.0), times_s)
    just_called = predictor.forecast(times_s[-1] + 1.0, 20.0).at_least[0, 0]
    long_ago = predictor.forecast(times_s[-1] + 60.0, 20.0).at_least[0, 0]
    assert just_called == pytest.approx(0.5, abs=0.05)
    assert long_ago < 0.02


def test_calls_close_together_make_a_second_likely() -> None:
    predictor = after(HistogramPredictor(), np.arange(0.0, 300.0, 3.0))
    at_least = predictor.forecast(299.0, 30.0).at_least[0]
    assert at_least[0] > 0.95
    assert at_least[1] > 0.9


def test_old_gaps_give_way_to_new_ones() -> None:
    times_s = np.concatenate([np.arange(0.0, 6000.0, 60.0), np.arange(6000.0, 9000.0, 5.0)])
    forgetful = after(HistogramPredictor(retention=0.9), times_s)
    faithful = after(HistogramPredictor(retention=1.0), times_s)
    chances = [one.forecast(8996.0, 10.0).at_least[0, 0] for one in (forgetful, faithful)]
    assert chances[0] > chances[1]
