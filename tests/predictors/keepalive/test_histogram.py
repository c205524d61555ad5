"""The hybrid histogram policy against idle times worked out by hand."""

import math

import pytest

from predictors.keepalive import histogram
from predictors.keepalive.forecast_gap import forecast_gap
from predictors.keepalive.histogram import HybridHistogram
from predictors.keepalive.protocol import Lifetime
from tests.predictors.keepalive.traits import traits

FALL_BACK = Lifetime(240 * 60.0)


def after(*gaps_min: float) -> Lifetime:
    policy = HybridHistogram()
    policy.add(traits())
    at_s = 0.0
    policy.observe(0, at_s)
    for gap_min in gaps_min:
        at_s += gap_min * 60.0
        policy.observe(0, at_s)
    return policy.lifetime(0, at_s)


def test_without_enough_idle_times_an_instance_stays_as_long_as_the_histogram_reaches() -> None:
    assert after() == FALL_BACK
    assert after(*[30.5] * 4) == FALL_BACK
    assert after(*[30.5] * 5) != FALL_BACK


def test_calls_half_an_hour_apart_are_met_by_an_instance_just_in_time() -> None:
    # All in bin 30: head 30 min, tail 31 min; 0.9 x 30 = 27 min, 1.1 x 31 = 34.1 min.
    windows = after(*[30.5] * 20)
    assert windows.prewarm_after_s == pytest.approx(27 * 60)
    assert windows.keep_alive_s == pytest.approx((34.1 - 27) * 60)
    assert math.isinf(windows.lend_after_s)


def test_calls_within_a_minute_of_another_never_unload() -> None:
    # All in bin 0: head 0, tail 1 min.
    windows = after(*[0.2] * 20)
    assert windows.prewarm_after_s == 0.0
    assert windows.keep_alive_s == pytest.approx(66.0)


def test_head_and_tail_are_the_5th_and_the_99th_percentile() -> None:
    # 4 of 100 in bin 2, 95 in bin 10, 1 in bin 50: the 5th percentile is in 10, the 99th too.
    windows = after(*[2.5] * 4, *[10.5] * 95, 50.5)
    assert windows.prewarm_after_s == pytest.approx(0.9 * 10 * 60)
    assert windows.prewarm_after_s + windows.keep_alive_s == pytest.approx(1.1 * 11 * 60)
    # With 5 of 100 in bin 2 and 2 in bin 50 they are at the ends.
    windows = after(*[2.5] * 5, *[10.5] * 93, *[50.5] * 2)
    assert windows.prewarm_after_s == pytest.approx(0.9 * 2 * 60)
    assert windows.prewarm_after_s + windows.keep_alive_s == pytest.approx(1.1 * 51 * 60)


def test_a_percentile_that_is_a_whole_number_of_idle_times_is_met_by_just_these() -> None:
    # 5 % of 140 are 7, though 0.05 * 140 > 7 in floating point.
    windows = after(*[2.5] * 7, *[10.5] * 133)
    assert windows.prewarm_after_s == pytest.approx(0.9 * 2 * 60)
    windows = after(*[2.5] * 6, *[10.5] * 134)
    assert windows.prewarm_after_s == pytest.approx(0.9 * 10 * 60)


def test_idle_times_out_of_bounds_count_for_no_percentile() -> None:
    # Of 48 and 32 beyond: 99 % of the 48 are in bin 10.
    windows = after(*[10.5] * 48, *[300.0] * 32)
    assert windows.prewarm_after_s + windows.keep_alive_s == pytest.approx(1.1 * 11 * 60)


def test_four_hours_are_out_of_bounds() -> None:
    # 1.1 x 240 min is the end of the last bin's window; beyond, 0.85 of the mean is the beginning.
    inside, outside = after(*[239.9] * 20), after(*[240.0] * 20)
    assert inside.prewarm_after_s + inside.keep_alive_s == pytest.approx(1.1 * 240 * 60)
    assert outside.prewarm_after_s == pytest.approx(0.85 * 240 * 60)


def test_a_flat_histogram_is_not_trusted() -> None:
    # One count in each of k of 240 bins has a variation of sqrt(240 / k - 1): 2 at k = 48.
    assert after(*[position + 0.5 for position in range(1, 50)]) == FALL_BACK
    assert after(*[position + 0.5 for position in range(1, 49)]) != FALL_BACK


def test_idle_times_beyond_four_hours_are_forecast() -> None:
    windows = after(300.0, 300.0, 300.0)
    assert windows.prewarm_after_s == pytest.approx(0.85 * 300 * 60)
    assert windows.keep_alive_s == pytest.approx(0.30 * 300 * 60)


def test_half_within_bounds_is_not_most_beyond() -> None:
    assert after(300.0, 5.0) == FALL_BACK


def test_arima_follows_a_trend_that_a_mean_would_miss() -> None:
    series = [300.0 + 10.0 * step + (3.0 if step % 2 else -3.0) for step in range(12)]
    assert forecast_gap(series) == pytest.approx(420.0, abs=10.0)


def test_a_new_call_changes_the_windows() -> None:
    policy = HybridHistogram()
    policy.add(traits())
    for call in range(20):
        policy.observe(0, call * 1830.0)
    before = policy.lifetime(0, 19 * 1830.0)
    for call in range(20, 80):
        policy.observe(0, 19 * 1830.0 + (call - 19) * 300.0)
    assert before.prewarm_after_s > policy.lifetime(0, 1e5).prewarm_after_s


def test_the_forecast_is_made_anew_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histogram, "forecast_gap", max)
    policy = HybridHistogram()
    policy.add(traits())
    policy.observe(0, 0.0)
    for at_min, longest_min in ((300.0, 300.0), (620.0, 320.0), (920.0, 320.0), (1260.0, 340.0)):
        policy.observe(0, at_min * 60.0)
        windows = policy.lifetime(0, at_min * 60.0)
        assert windows.prewarm_after_s == pytest.approx(0.85 * longest_min * 60.0)
        assert windows.keep_alive_s == pytest.approx(0.30 * longest_min * 60.0)
