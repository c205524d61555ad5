"""Placing calls within their minutes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.traces.minutes import MinuteTrace
from bench.traces.spread import spread

FIRST_MINUTE = 479


def trace_of(counts: np.ndarray) -> MinuteTrace:
    names = tuple(f"f{row}" for row in range(len(counts)))
    return MinuteTrace(names, FIRST_MINUTE, counts.astype(np.int32))


@settings(max_examples=60)
@given(
    arrays(np.int32, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=st.integers(0, 5))
)
def test_every_call_is_in_its_minute_and_in_order(counts: np.ndarray) -> None:
    arrivals = spread(trace_of(counts), np.random.default_rng(1))
    assert np.all(np.diff(arrivals.at_s) >= 0)
    minutes = (arrivals.at_s // 60.0).astype(int) - FIRST_MINUTE
    again = np.zeros_like(counts)
    np.add.at(again, (arrivals.functions, minutes), 1)
    assert np.array_equal(again, counts)


def test_the_same_seed_gives_the_same_times() -> None:
    counts = np.random.default_rng(0).integers(0, 3, (5, 50))
    one, two = (spread(trace_of(counts), np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one.at_s, two.at_s)
    assert np.array_equal(one.functions, two.functions)


def test_punctual_functions_keep_their_phase() -> None:
    counts = np.zeros((1, 200), np.int32)
    counts[0, ::10] = 1
    gaps_s = np.diff(spread(trace_of(counts), np.random.default_rng(5)).at_s)
    assert np.all(np.abs(gaps_s - 600.0) < 2.0)


def test_punctual_functions_are_a_little_late() -> None:
    counts = np.zeros((1, 1000), np.int32)
    counts[0, ::2] = 1
    within_s = spread(trace_of(counts), np.random.default_rng(5)).at_s % 60.0
    late_s = within_s - within_s.min()
    assert late_s.mean() == pytest.approx(0.2 * np.sqrt(2 / np.pi), abs=0.03)
    assert late_s.max() < 1.0


def test_some_punctual_functions_call_at_once_and_some_evenly() -> None:
    counts = np.full((40, 30), 3)
    arrivals = spread(trace_of(counts), np.random.default_rng(4))
    widest_s = np.array(
        [np.diff(arrivals.at_s[arrivals.functions == row]).min() for row in range(40)]
    )
    assert set(np.round(widest_s / 20.0)) == {0.0, 1.0}
    assert 8 <= np.sum(widest_s < 1.0) <= 32


def test_other_functions_call_anywhere_in_the_minute() -> None:
    counts = np.random.default_rng(2).integers(0, 3, (1, 500))
    within_s = spread(trace_of(counts), np.random.default_rng(5)).at_s % 60.0
    quarters = np.histogram(within_s, bins=4, range=(0, 60))[0]
    assert quarters.min() > 0.15 * quarters.sum()


def test_a_limit_drops_what_exceeds_it() -> None:
    counts = np.array([[100, 3, 0], [0, 1, 70]])
    arrivals = spread(trace_of(counts), np.random.default_rng(1), max_per_minute=10)
    assert np.bincount(arrivals.functions).tolist() == [13, 11]


def test_a_stretch_of_time_excludes_its_start_and_includes_its_end() -> None:
    arrivals = spread(trace_of(np.array([[1, 1, 1, 1]])), np.random.default_rng(1))
    second_s, third_s = arrivals.at_s[1], arrivals.at_s[2]
    assert arrivals.between(float(second_s), float(third_s)).at_s.tolist() == [third_s]
