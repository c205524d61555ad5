"""What every arrival predictor promises."""

from collections.abc import Callable
from inspect import signature

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictors.arrival.base import BasePredictor
from predictors.arrival.ewma import EwmaPredictor
from predictors.arrival.histogram import HistogramPredictor
from predictors.arrival.mixture import MixturePredictor
from predictors.arrival.neural import NeuralPredictor
from predictors.arrival.poisson import PoissonPredictor
from predictors.arrival.renewal import RenewalPredictor
from predictors.arrival.seasonal import SeasonalPredictor

PREDICTORS: list[Callable[[], BasePredictor]] = [
    PoissonPredictor,
    HistogramPredictor,
    EwmaPredictor,
    SeasonalPredictor,
    RenewalPredictor,
    NeuralPredictor,
    MixturePredictor,
]
FUNCTIONS = 5
START_S = 40_000.0

every_predictor = pytest.mark.parametrize("make", PREDICTORS)
gaps_s = st.lists(
    st.tuples(st.integers(0, FUNCTIONS - 1), st.sampled_from([0.0, 0.3, 5.0, 60.0, 600.0, 7200.0])),
    max_size=40,
)


def fed(make: Callable[[], BasePredictor], gaps: list[tuple[int, float]]) -> BasePredictor:
    predictor = make()
    predictor.resize(FUNCTIONS)
    at_s = START_S
    for function, gap_s in gaps:
        at_s += gap_s
        predictor.observe(function, at_s)
    return predictor


def end_s(gaps: list[tuple[int, float]]) -> float:
    return START_S + sum(gap_s for _, gap_s in gaps)


@every_predictor
def test_the_constructor_stores_parameters_and_nothing_else(
    make: Callable[..., BasePredictor],
) -> None:
    defaults = {name: one.default for name, one in signature(make).parameters.items()}
    predictor = make(**defaults)
    assert {name: getattr(predictor, name) for name in defaults} == defaults
    assert predictor.count == 0
    assert all(len(known) == 0 for known in predictor.state_dict().values())
    assert make(levels=(0.1, 0.9)).levels == (0.1, 0.9)


@every_predictor
@settings(max_examples=40)
@given(gaps=gaps_s, horizon_s=st.floats(0.1, 5000), wait_s=st.floats(0, 90_000))
def test_answers_are_probabilities_that_fall_in_j(
    make: Callable[[], BasePredictor],
    gaps: list[tuple[int, float]],
    horizon_s: float,
    wait_s: float,
) -> None:
    at_least = fed(make, gaps).forecast(end_s(gaps) + wait_s, horizon_s).at_least
    assert at_least.shape == (FUNCTIONS, 4)
    assert np.all((at_least >= 0) & (at_least <= 1))
    assert np.all(np.diff(at_least, axis=1) <= 1e-12)


@every_predictor
@settings(max_examples=40)
@given(gaps=gaps_s, horizons=st.tuples(st.floats(0.1, 5000), st.floats(0.1, 5000)).map(sorted))
def test_a_longer_horizon_never_lowers_a_chance(
    make: Callable[[], BasePredictor], gaps: list[tuple[int, float]], horizons: list[float]
) -> None:
    predictor = fed(make, gaps)
    shorter, longer = (predictor.forecast(end_s(gaps) + 1.0, h).at_least for h in horizons)
    assert np.all(longer >= shorter - 1e-9)


@every_predictor
@settings(max_examples=25)
@given(gaps=gaps_s, later=gaps_s)
def test_the_future_changes_no_forecast(
    make: Callable[[], BasePredictor], gaps: list[tuple[int, float]], later: list[tuple[int, float]]
) -> None:
    whole = make()
    whole.resize(FUNCTIONS)
    at_s, before = START_S, []
    for function, gap_s in gaps + later:
        before.append(whole.forecast(at_s, 60.0).at_least)
        at_s += gap_s
        whole.observe(function, at_s)
    truncated = make()
    truncated.resize(FUNCTIONS)
    at_s = START_S
    for (function, gap_s), seen in zip(gaps, before, strict=False):
        assert np.array_equal(truncated.forecast(at_s, 60.0).at_least, seen)
        at_s += gap_s
        truncated.observe(function, at_s)


@every_predictor
@settings(max_examples=25)
@given(gaps=gaps_s, later=gaps_s)
def test_state_survives_saving_and_loading(
    make: Callable[[], BasePredictor], gaps: list[tuple[int, float]], later: list[tuple[int, float]]
) -> None:
    kept = fed(make, gaps)
    kept.forecast(end_s(gaps), 30.0)
    restored = make()
    restored.load_state_dict(kept.state_dict())
    at_s = end_s(gaps)
    for function, gap_s in later:
        at_s += gap_s
        kept.observe(function, at_s)
        restored.observe(function, at_s)
    for horizon_s in (30.0, 30.0):
        at_s += 45.0
        expected = kept.forecast(at_s, horizon_s).at_least
        assert np.array_equal(restored.forecast(at_s, horizon_s).at_least, expected)


@every_predictor
def test_what_was_saved_does_not_change_when_others_learn_on_from_it(
    make: Callable[[], BasePredictor],
) -> None:
    kept = fed(make, [(0, 60.0)] * 20)
    state = kept.state_dict()
    saved = {name: known.copy() for name, known in state.items()}
    restored = make()
    restored.load_state_dict(state)
    for predictor in (kept, restored):
        predictor.observe(0, START_S + 1300.0)
        predictor.forecast(START_S + 1301.0, 60.0)
    assert all(np.array_equal(state[name], known) for name, known in saved.items())


@every_predictor
def test_what_waited_to_be_learnt_is_forgotten_when_a_state_is_loaded(
    make: Callable[[], BasePredictor],
) -> None:
    state = fed(make, [(0, 60.0)] * 20).state_dict()
    restored, other = fed(make, [(1, 30.0)]), make()
    for predictor in (restored, other):
        predictor.load_state_dict(state)
    now_s = START_S + 1300.0
    expected = other.forecast(now_s, 60.0).at_least
    assert np.array_equal(restored.forecast(now_s, 60.0).at_least, expected)


@every_predictor
@settings(max_examples=25)
@given(gaps=gaps_s)
def test_one_by_one_and_at_once_are_the_same(
    make: Callable[[], BasePredictor], gaps: list[tuple[int, float]]
) -> None:
    at_once = make()
    at_once.resize(FUNCTIONS)
    at_s = np.add.accumulate([START_S] + [gap_s for _, gap_s in gaps])[1:]
    at_once.observe_many(np.array([function for function, _ in gaps], np.int64), at_s)
    now_s = at_s[-1] + 5.0 if gaps else START_S + 5.0
    expected = fed(make, gaps).forecast(now_s, 60.0).at_least
    assert np.array_equal(at_once.forecast(now_s, 60.0).at_least, expected)


@every_predictor
@settings(max_examples=25)
@given(gaps=gaps_s, rows=st.lists(st.integers(0, FUNCTIONS - 1), unique=True))
def test_some_functions_get_the_answers_that_they_get_among_all(
    make: Callable[[], BasePredictor], gaps: list[tuple[int, float]], rows: list[int]
) -> None:
    one, other = fed(make, gaps), fed(make, gaps)
    for now_s in (end_s(gaps) + 5.0, end_s(gaps) + 100.0):
        some = one.forecast(now_s, 60.0, np.array(rows, np.int64)).at_least
        assert np.array_equal(some, other.forecast(now_s, 60.0).at_least[rows])


@every_predictor
@settings(max_examples=25)
@given(gaps=gaps_s)
def test_new_functions_change_nothing_for_known_ones(
    make: Callable[[], BasePredictor], gaps: list[tuple[int, float]]
) -> None:
    grown = fed(make, gaps)
    grown.resize(FUNCTIONS + 3)
    at_least = grown.forecast(end_s(gaps), 60.0).at_least
    assert at_least.shape == (FUNCTIONS + 3, 4)
    expected = fed(make, gaps).forecast(end_s(gaps), 60.0).at_least
    assert np.allclose(at_least[:FUNCTIONS], expected, rtol=1e-5)


@every_predictor
def test_the_state_of_a_hundred_thousand_functions_fits_into_a_gibibyte(
    make: Callable[[], BasePredictor],
) -> None:
    state = fed(make, [(0, 60.0)] * 30).state_dict()
    each_bytes = sum(known.nbytes for known in state.values()) / FUNCTIONS
    assert 100_000 * each_bytes <= 1 << 30


@every_predictor
def test_quantiles_grow_with_the_level_and_agree_with_the_chances(
    make: Callable[[], BasePredictor],
) -> None:
    predictor = fed(make, [(0, 60.0)] * 30 + [(1, 13.0)] * 20)
    predictor.levels = (0.1, 0.5, 0.9)
    now_s = START_S + 30 * 60.0 + 20 * 13.0 + 1.0
    quantiles_s = predictor.forecast(now_s, 60.0).next_arrival_s
    assert quantiles_s.shape == (FUNCTIONS, 3)
    assert np.all(quantiles_s[:, :-1] <= quantiles_s[:, 1:])
    median_s = float(quantiles_s[1, 1])
    assert predictor.forecast(now_s, 1.3 * median_s).at_least[1, 0] >= 0.5
    assert predictor.forecast(now_s, 0.7 * median_s).at_least[1, 0] <= 0.5


@every_predictor
def test_unknown_functions_and_bad_horizons_are_refused(
    make: Callable[[], BasePredictor],
) -> None:
    predictor = fed(make, [])
    with pytest.raises(IndexError, match=r"function: 5 is not in 0\.\.4"):
        predictor.observe(FUNCTIONS, 0.0)
    with pytest.raises(IndexError, match="functions"):
        predictor.observe_many(np.array([-1]), np.array([0.0]))
    with pytest.raises(ValueError, match="horizon_s"):
        predictor.forecast(0.0, 0.0)
    with pytest.raises(ValueError, match="count"):
        predictor.resize(1)
    with pytest.raises(ValueError, match="state"):
        predictor.load_state_dict({"nonsense": np.zeros(3)})
