"""Losses, calibration and hits."""

import numpy as np
import pytest

from bench.predictors.scores import LEAST_CHANCE, Scores, join


def test_losses_of_two_forecasts() -> None:
    scores = Scores(2)
    scores.add(np.array([[0.5, 0.2, 0.1, 0.0], [0.0, 0.0, 0.0, 0.0]]), np.array([2, 0]))
    expected = -np.log([0.5, 0.2, 0.9, 1 - LEAST_CHANCE])
    assert scores.log_loss[0] == pytest.approx(expected)
    assert scores.brier[0] == pytest.approx([0.25, 0.64, 0.01, 0.0])
    assert scores.log_loss[1] == pytest.approx([-np.log1p(-LEAST_CHANCE)] * 4)
    assert scores.forecasts == 1


def test_a_call_of_which_nothing_was_foreseen_costs_a_limited_amount() -> None:
    scores = Scores(1)
    scores.add(np.zeros((1, 4)), np.array([9]))
    assert scores.log_loss[0] == pytest.approx([-np.log(LEAST_CHANCE)] * 4)


def test_hits_are_calls_among_the_likeliest_tenth() -> None:
    scores = Scores(20)
    at_least = np.linspace(0.9, 0.1, 20)[:, None] * np.ones(4)
    arrivals = np.zeros(20, np.int64)
    arrivals[[1, 2]] = 3
    scores.add(at_least, arrivals)
    assert scores.called.sum() == 2
    assert np.flatnonzero(scores.hits).tolist() == [1]


def test_calibration_sums_by_chance() -> None:
    scores = Scores(3)
    scores.add(np.array([[0.25] * 4, [0.25] * 4, [1.0] * 4]), np.array([1, 0, 1]))
    used = np.flatnonzero(scores.chances)
    assert scores.chances[used].tolist() == [2, 1]
    assert scores.chance_sum[used].tolist() == [0.5, 1.0]
    assert scores.called_sum[used].tolist() == [1, 1]


def test_functions_weigh_the_same_whatever_their_trace() -> None:
    short, long = Scores(1), Scores(1)
    short.add(np.full((1, 4), 0.5), np.array([1]))
    for _ in range(10):
        long.add(np.full((1, 4), 0.9), np.array([5]))
    whole = join([short, long])
    assert whole.log_loss[:, 0] == pytest.approx(-np.log([0.5, 0.9]))
    assert whole.chances.sum() == 11
