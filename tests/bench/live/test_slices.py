from collections import Counter

import numpy as np
import pytest

from bench.live.slices import Slice, draw
from bench.traces.minutes import MinuteTrace
from executor.errors import ConfigError

COUNTS = np.array([[9, 0, 0, 0], [0, 2, 1, 50], [1, 1, 0, 0], [0, 0, 0, 3]], np.int32)
TRACE = MinuteTrace(("hot", "three", "two", "none"), 0, COUNTS)
PART = Slice(minutes=3, least=2, most=3, time_scale=6.0)


def test_functions_get_rows_with_so_many_calls_in_the_slice() -> None:
    arrivals = draw(TRACE, ["f", "g"], PART, seed=1)
    assert sorted(Counter(one.function for one in arrivals).values()) == [2, 3]
    assert all(0 <= one.at_s <= PART.length_s for one in arrivals)
    assert list(arrivals) == sorted(arrivals)
    assert arrivals == draw(TRACE, ["f", "g"], PART, seed=1)


def test_rows_come_again_when_they_are_few() -> None:
    calls = Counter(one.function for one in draw(TRACE, list("abcdef"), PART, seed=1))
    assert sorted(calls.values()) == [2, 2, 2, 3, 3, 3]


def test_a_slice_without_rows_is_an_error() -> None:
    with pytest.raises(ConfigError, match="4 to 8 calls"):
        draw(TRACE, ["f"], Slice(3, 4, 8, 1.0), seed=1)
