"""Weights of the experts."""

import numpy as np
import pytest
from numpy.typing import NDArray

from predictors.arrival.mixture import SHARE, START_WEIGHT, MixturePredictor
from predictors.arrival.rows import ROWS_WORTH_A_THREAD

HOUR_S = 3600.0
SEASONAL, EWMA = 2, 3


def weights(mixture: MixturePredictor) -> NDArray[np.float64]:
    return np.exp(mixture.state_dict()["log_weight"].astype(np.float64))


def told(mixture: MixturePredictor, times_s: NDArray[np.float64], every_s: float) -> None:
    """Let function 0 call at these times and ask for a forecast every so often."""
    for now_s in np.arange(0.0, times_s[-1], every_s):
        due = times_s[(times_s > now_s - every_s) & (times_s <= now_s)]
        mixture.observe_many(np.zeros(len(due), np.int64), due)
        mixture.forecast(float(now_s), every_s)


def test_weights_start_as_stated_and_stay_a_distribution() -> None:
    mixture = MixturePredictor()
    mixture.resize(3)
    assert weights(mixture) == pytest.approx(np.tile(START_WEIGHT, (3, 1)))
    told(mixture, np.arange(0.0, 2 * HOUR_S, 45.0), 30.0)
    assert weights(mixture).sum(axis=1) == pytest.approx(1.0)


def test_an_expert_that_is_right_gains_weight_for_that_function_only() -> None:
    mixture = MixturePredictor()
    mixture.resize(2)
    rng = np.random.default_rng(0)
    slots_s = (np.arange(30)[:, None] * HOUR_S + np.array([620.0, 1130.0, 2410.0])).ravel()
    habit_s = (slots_s + rng.uniform(0, 9, slots_s.size))[rng.random(slots_s.size) < 0.5]
    told(mixture, habit_s, 10.0)
    gains = weights(mixture) / START_WEIGHT
    assert gains[0, SEASONAL] > 1.5
    assert gains[0, EWMA] < 0.9
    assert np.ptp(gains[1]) < np.ptp(gains[0])


def test_chances_lie_between_those_of_the_experts() -> None:
    mixture = MixturePredictor()
    mixture.resize(1)
    told(mixture, np.cumsum(np.random.default_rng(1).exponential(50.0, 200)), 60.0)
    now_s = 12_000.0
    found = mixture.forecast(now_s, 60.0).at_least
    answers = [expert.forecast(now_s, 60.0).at_least for expert in mixture.experts.values()]
    assert np.all(found <= np.max(answers, axis=0) + 1e-12)
    assert np.all(found >= np.min(answers, axis=0) - 1e-12)


def test_nothing_is_learnt_before_the_horizon_has_passed() -> None:
    mixture = MixturePredictor()
    mixture.resize(1)
    mixture.observe(0, 0.0)
    mixture.forecast(10.0, 60.0)
    mixture.forecast(69.0, 60.0)
    assert weights(mixture)[0] == pytest.approx(START_WEIGHT)
    mixture.forecast(70.0, 60.0)
    assert weights(mixture)[0] != pytest.approx(START_WEIGHT, rel=1e-6)


def test_calls_after_the_horizon_do_not_count_for_it() -> None:
    mixtures = MixturePredictor(), MixturePredictor()
    for mixture in mixtures:
        mixture.resize(1)
        mixture.observe(0, 0.0)
        mixture.forecast(100.0, 10.0)
    mixtures[0].observe(0, 150.0)
    for mixture in mixtures:
        mixture.forecast(160.0, 10.0)
    assert weights(mixtures[0]).tolist() == weights(mixtures[1]).tolist()
    assert weights(mixtures[0])[0] != pytest.approx(START_WEIGHT, rel=1e-6)


def test_no_expert_is_ever_beyond_recovery() -> None:
    mixture = MixturePredictor()
    mixture.resize(1)
    told(mixture, np.arange(0.0, 2 * HOUR_S, 15.0), 30.0)
    found = weights(mixture)[0]
    assert np.all(found >= 0.99 * SHARE * START_WEIGHT)
    assert np.any(found < 4 * SHARE * START_WEIGHT)


def test_many_functions_in_threads_get_what_few_get() -> None:
    few, many = MixturePredictor(), MixturePredictor()
    few.resize(10)
    many.resize(2 * ROWS_WORTH_A_THREAD)
    rng = np.random.default_rng(2)
    functions, at_s = rng.integers(0, 10, 500), np.sort(rng.uniform(0, HOUR_S, 500))
    for mixture in (few, many):
        mixture.observe_many(functions, at_s)
        mixture.forecast(HOUR_S, 60.0)
    found = many.forecast(HOUR_S + 60.0, 60.0).at_least[:10]
    assert np.array_equal(found, few.forecast(HOUR_S + 60.0, 60.0).at_least)
