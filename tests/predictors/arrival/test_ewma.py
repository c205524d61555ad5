"""The rate that forgets."""

import numpy as np
import pytest

from predictors.arrival.ewma import PRIOR_ARRIVALS, PRIOR_EXPOSURE_S, EwmaPredictor
from tests.predictors.arrival.histories import after


def test_one_call_counts_less_as_it_ages() -> None:
    predictor = after(EwmaPredictor(memory_s=100.0), [0.0])
    for age_s in (0.0, 50.0, 300.0):
        shape = PRIOR_ARRIVALS + np.exp(-age_s / 100.0)
        exposure_s = PRIOR_EXPOSURE_S + 100.0 * (1 - np.exp(-age_s / 100.0))
        none = (exposure_s / (exposure_s + 30.0)) ** shape
        assert predictor.forecast(age_s, 30.0).at_least[0, 0] == pytest.approx(1 - none)


def test_a_long_history_gives_its_rate() -> None:
    predictor = after(EwmaPredictor(memory_s=2000.0), np.arange(0.0, 20_000.0, 10.0))
    chance = predictor.forecast(20_000.0, 10.0).at_least[0, 0]
    assert chance == pytest.approx(1 - np.exp(-1), abs=0.06)


def test_a_function_never_called_has_a_small_chance() -> None:
    predictor = after(EwmaPredictor(), [0.0, 3600.0], functions=2)
    called, never = predictor.forecast(3700.0, 60.0).at_least[:, 0]
    assert 0 < never < 0.01 < called
