"""The shipped network."""

import numpy as np
import pytest

from predictors.arrival.neural import CHECKPOINT, NeuralPredictor, coverage
from tests.predictors.arrival.histories import after

MEBIBYTE = 1 << 20


def test_the_checkpoint_is_small() -> None:
    assert CHECKPOINT.stat().st_size < 5 * MEBIBYTE


def test_coverage_of_intervals() -> None:
    assert coverage(1.5).tolist() == [1.0, 0.5]
    assert coverage(3600.0).tolist() == [1.0] * 20
    assert coverage(21600.0 + 14400.0)[-1] == pytest.approx(2.0)


def test_a_timer_is_expected_when_it_is_due() -> None:
    predictor = after(NeuralPredictor(), np.arange(0.0, 7200.0 + 1, 300.0))
    early, due = (predictor.forecast(now_s, 15.0).at_least[0, 0] for now_s in (7260.0, 7494.0))
    assert early < 0.02
    assert due > 0.8


def test_a_burst_raises_the_chance_of_a_second_call() -> None:
    quiet_s = list(np.cumsum(np.random.default_rng(0).exponential(600.0, 30)))
    burst_s = [*quiet_s, *(quiet_s[-1] + np.array([1.0, 2.0, 3.5, 5.0, 6.0]))]
    now_s = burst_s[-1] + 1.0
    quiet, burst = (
        after(NeuralPredictor(), times_s).forecast(now_s, 10.0).at_least[0]
        for times_s in (quiet_s, burst_s)
    )
    assert np.all(burst[:2] > 2 * quiet[:2])
