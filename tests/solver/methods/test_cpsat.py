import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("ortools")

from solver.methods.cpsat import whole_bytes, whole_worths

worths = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12).map(np.array)


@given(worths, st.floats(1e-3, 1.0), st.data())
def test_scaling_moves_no_choice_by_more_than_the_tolerance(
    worth: np.ndarray, tolerance_s: float, data: st.DataObject
) -> None:
    whole, scale = whole_worths(worth, tolerance_s)
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(worth), max_size=len(worth))))
    assert abs(whole[chosen].sum() / scale - worth[chosen].sum()) <= tolerance_s * (1 + 1e-6)


@given(st.lists(st.integers(1, 2**48), min_size=1, max_size=12), st.integers(0, 2**48), st.data())
def test_dividing_bytes_loses_no_plan(sizes: list[int], upper: int, data: st.DataObject) -> None:
    whole, most = whole_bytes(np.array(sizes, dtype=np.float64), float(upper))
    chosen = data.draw(st.lists(st.booleans(), min_size=len(sizes), max_size=len(sizes)))
    total = sum(size for size, one in zip(sizes, chosen, strict=True) if one)
    scaled = sum(size for size, one in zip(whole.tolist(), chosen, strict=True) if one)
    assert (scaled <= most) == (total <= upper)


def test_huge_rows_stay_within_64_bits() -> None:
    whole, _ = whole_bytes(np.full(2**15, 2.0**48 - 1), 2.0**48)
    assert sum(whole.tolist()) <= 2**60


def test_mebibytes_are_counted_as_such() -> None:
    whole, most = whole_bytes(np.array([3.0, 5.0]) * 2**20, 7.5 * 2**20)
    assert whole.tolist() == [3, 5]
    assert most == 7
