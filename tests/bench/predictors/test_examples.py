"""Examples for training."""

import numpy as np

from bench.predictors.examples import examples
from predictors.arrival.features import FEATURES
from tests.bench.predictors.small import some_counts, trace_of


def test_rows_say_what_comes_next_in_order() -> None:
    trace = trace_of(some_counts(30, 600, 4))
    rows = examples(trace, 1200.0, 1.0, np.random.default_rng(0))
    assert rows.features.shape == (len(rows.next_s), FEATURES)
    assert np.isfinite(rows.features).all()
    assert np.all(rows.next_s > 0)
    known = np.where(np.isinf(rows.next_s), 1e9, rows.next_s)
    assert np.all(np.diff(known, axis=1) >= 0)
    seen = np.isfinite(rows.next_s[:, 0])
    assert np.all(rows.next_s[seen, 0] <= rows.seen_s[seen])
    assert seen.mean() > 0.8


def test_a_share_of_functions_is_described() -> None:
    trace = trace_of(some_counts(100, 600, 5))
    whole = examples(trace, 1200.0, 1.0, np.random.default_rng(0))
    part = examples(trace, 1200.0, 0.25, np.random.default_rng(0))
    assert 0.15 < len(part.seen_s) / len(whole.seen_s) < 0.35
