"""The last gaps as the distribution of the next."""

import numpy as np
import pytest

from predictors.arrival.renewal import GAPS, RenewalPredictor
from tests.predictors.arrival.histories import after


def test_a_timer_is_sharp() -> None:
    predictor = after(RenewalPredictor(), np.arange(0.0, 3600.0 + 1, 300.0))
    assert predictor.forecast(3700.0, 60.0).at_least[0, 0] < 0.01
    assert predictor.forecast(3890.0, 20.0).at_least[0, 0] > 0.95


def test_two_calls_of_a_timer_need_two_periods() -> None:
    predictor = after(RenewalPredictor(), np.arange(0.0, 3600.0 + 1, 300.0))
    at_least = predictor.forecast(3890.0, 620.0).at_least[0]
    assert at_least[2] > 0.7
    assert at_least[3] < 0.1


def test_a_burst_raises_the_chance_of_a_second_call() -> None:
    quiet = after(RenewalPredictor(), np.arange(0.0, 7201.0, 600.0))
    burst = after(RenewalPredictor(), [*np.arange(0.0, 7201.0, 600.0), 7201.0, 7202.0, 7203.0])
    before = quiet.forecast(7201.0, 10.0).at_least[0]
    during = burst.forecast(7203.5, 10.0).at_least[0]
    assert during[0] > before[0] + 0.1
    assert during[1] > before[1] + 0.01


def test_only_the_latest_gaps_count() -> None:
    old_s = np.cumsum(np.random.default_rng(0).exponential(500.0, 200))
    new_s = old_s[-1] + 7.0 * np.arange(1, GAPS + 2)
    mixed = after(RenewalPredictor(), [*old_s, *new_s])
    fresh = after(RenewalPredictor(), new_s)
    now_s = new_s[-1] + 2.0
    for horizon_s in (1.0, 6.0, 60.0):
        assert mixed.forecast(now_s, horizon_s).at_least == pytest.approx(
            fresh.forecast(now_s, horizon_s).at_least, abs=0.05
        )


def test_gaps_stay_in_order_of_length() -> None:
    gaps_s = np.random.default_rng(1).exponential(60.0, 100)
    state = after(RenewalPredictor(), [0.0, *np.cumsum(gaps_s)]).state_dict()
    ordered_s = state["gaps_s"][0][state["order"][0]]
    assert ordered_s == pytest.approx(np.sort(gaps_s[-GAPS:]), rel=1e-4)
