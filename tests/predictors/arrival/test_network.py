"""The forward pass."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictors.arrival.network import chances, dense, laid_out, sparse

INTERVALS = 5


def test_a_layer_is_a_matrix_product_without_what_is_negative() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=16).astype(np.float32)
    inputs[4:12] = 0.0
    weight = rng.normal(size=(16, 7)).astype(np.float32)
    bias = rng.normal(size=7).astype(np.float32)
    expected = pytest.approx(np.maximum(inputs @ weight + bias, 0.0), abs=1e-5)
    outputs = np.empty(7, np.float32)
    dense(inputs, laid_out(weight), bias, outputs)
    assert outputs == expected
    sparse(inputs, laid_out(weight), bias, np.empty(4, np.int64), outputs)
    assert outputs == expected


@given(seed=st.integers(0, 1000), scale=st.floats(0.1, 20.0))
def test_any_weights_give_chances_that_fall_in_j_and_grow_with_the_horizon(
    seed: int, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    hidden = np.maximum(rng.normal(size=8), 0).astype(np.float32)
    weight = (scale * rng.normal(size=(8, INTERVALS * 4))).astype(np.float32)
    bias = rng.normal(size=INTERVALS * 4).astype(np.float32)
    before = np.zeros(4)
    for covered in ([0.3], [1.0], [1.0, 0.5], [1.0] * 4, [1.0] * 4 + [9.0]):
        at_least = np.empty(4)
        hazards = np.empty(len(covered) * 4, np.float32)
        chances(hidden, laid_out(weight), bias, np.array(covered, np.float32), hazards, at_least)
        assert np.all((at_least >= 0) & (at_least <= 1))
        assert np.all(np.diff(at_least) <= 0)
        assert np.all(at_least >= before - 1e-6)
        before = at_least


@pytest.mark.parametrize("covered", [1.0, 0.25])
def test_hazards_add_up_to_a_chance_by_how_much_is_covered(covered: float) -> None:
    nothing, weight = np.zeros(8, np.float32), laid_out(np.zeros((8, 4), np.float32))
    at_least, hazards = np.empty(4), np.empty(4, np.float32)
    chances(nothing, weight, nothing[:4], np.full(1, covered, np.float32), hazards, at_least)
    assert at_least == pytest.approx((1 - np.exp(-covered)) ** np.arange(1, 5))
