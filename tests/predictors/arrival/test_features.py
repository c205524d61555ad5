"""What the network sees."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from predictors.arrival import features as f
from predictors.arrival.neural import NeuralPredictor
from tests.predictors.arrival.histories import after


def row_after(times_s: list[float], now_s: float) -> NDArray[np.float32]:
    row: NDArray[np.float32] = after(NeuralPredictor(), times_s).describe(now_s)[0]
    return row


def windows(row: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the shares of the gaps, [windows, kinds]."""
    return row[f.WINDOW_COLUMN :].reshape(f.WINDOWS, f.SHARES)


def test_every_group_of_four_inputs_is_of_one_window() -> None:
    assert f.FEATURES % 4 == f.WINDOW_COLUMN % 4 == 0


@given(gap_s=st.floats(0.01, 50_000.0), waited_s=st.floats(0.0, 50_000.0))
@example(gap_s=60.0, waited_s=30.0)
@example(gap_s=30.0, waited_s=30.0)
def test_a_call_is_expected_in_the_interval_where_its_gap_ends(
    gap_s: float, waited_s: float
) -> None:
    ahead_s = float(np.float32(gap_s)) - waited_s
    inside = np.searchsorted(f.KNOTS_S, ahead_s, side="right") - 1
    assert f.window(ahead_s) == (inside if ahead_s > 0.0 else f.PAST)


def test_a_timer_points_at_the_window_of_its_next_call() -> None:
    shares = windows(row_after([0.0, 60.0, 120.0, 180.0], 210.0))
    window = np.flatnonzero(f.KNOTS_S == 30.0)[0]
    assert shares[window] == pytest.approx(1.0)
    assert shares.sum() == pytest.approx(4.0)


def test_gaps_shorter_than_the_wait_are_past() -> None:
    shares = windows(row_after([0.0, 10.0, 20.0, 320.0], 350.0))
    assert shares[f.PAST, 0] == pytest.approx(2 / 3)
    assert shares[np.flatnonzero(f.KNOTS_S == 180.0)[0], 0] == pytest.approx(1 / 3)


def test_what_follows_the_latest_gap_weighs_more() -> None:
    times_s = np.cumsum([10.0, 500.0] * 8)[:-1]
    shares = windows(row_after(list(times_s), times_s[-1] + 0.1))
    long_window = np.flatnonzero(f.KNOTS_S == 450.0)[0]
    assert shares[long_window, 0] == pytest.approx(0.5, abs=0.05)
    assert np.all(shares[long_window, 2:] > 0.9)


def test_a_pattern_of_three_needs_two_gaps_to_be_told() -> None:
    times_s = np.cumsum([10.0, 10.0, 500.0] * 8)[:-1]
    shares = windows(row_after(list(times_s), times_s[-1] + 0.1))
    long_window = np.flatnonzero(f.KNOTS_S == 450.0)[0]
    assert shares[long_window, 2] < 0.7
    assert shares[long_window, 3] > 0.85


def test_minutes_of_the_hour_ahead() -> None:
    times_s = [hour * 3600.0 + 630.0 for hour in range(10)]
    row = row_after(times_s, 10 * 3600.0 + 480.0)
    ahead = row[f.AHEAD_COLUMN : f.AHEAD_COLUMN + 6]
    assert ahead[:2] == pytest.approx(0.0)
    assert np.all(ahead[2:] > 0.9)


def test_decayed_rates() -> None:
    row = row_after([0.0, 0.0, 0.0, 0.0], 15.0)
    expected = np.log(4.0) - 15.0 / f.MEMORIES_S - f.LEAST_LOG_RATE
    found = row[f.RATE_COLUMN : f.RATE_COLUMN + len(f.MEMORIES_S)] / 0.4
    assert found == pytest.approx(np.maximum(expected, 0.0), rel=1e-4)


def test_nothing_is_known_of_a_function_never_called() -> None:
    predictor = after(NeuralPredictor(), [0.0, 50.0], functions=2)
    row = predictor.describe(100.0)[1]
    assert np.flatnonzero(row).tolist() == [f.WAITED, f.WATCHED]


def test_features_are_of_the_order_of_one() -> None:
    rng = np.random.default_rng(0)
    for scale_s in (0.01, 1.0, 100.0, 1e5):
        times_s = np.cumsum(rng.exponential(scale_s, 100))
        row = row_after(list(times_s), times_s[-1] + scale_s)
        assert np.isfinite(row).all()
        assert np.abs(row).max() < 8.0
