"""Which function is in which fold."""

import numpy as np
import pytest

from bench.predictors.folds import FOLDS, TEST, TRAINING, VALIDATION, folds, in_folds
from bench.traces.tables import TraceError
from tests.bench.predictors.small import some_counts, trace_of


def test_every_function_is_in_one_part() -> None:
    trace = trace_of(some_counts(200, 1440, 0))
    parts = [in_folds(trace, wanted) for wanted in (TRAINING, VALIDATION, TEST)]
    assert sorted(np.concatenate(parts)) == list(range(200))
    assert set(folds(trace)) <= set(range(FOLDS))


def test_a_trace_with_nobody_in_some_folds_is_too_small() -> None:
    trace = trace_of(some_counts(1, 1440, 0))
    fold = int(folds(trace)[0])
    assert in_folds(trace, (fold,)).tolist() == [0]
    with pytest.raises(TraceError, match="none of 1 functions is in folds"):
        in_folds(trace, tuple(other for other in range(FOLDS) if other != fold))


def test_a_function_is_in_the_same_fold_in_the_day_and_in_its_eight_hours() -> None:
    day = some_counts(60, 1440, 1)
    eight_hours = np.ascontiguousarray(day[:, 479:959])
    called = eight_hours.any(axis=1)
    both = folds(trace_of(day)), folds(trace_of(eight_hours, 479))
    assert np.array_equal(both[0][called], both[1][called])


def test_equal_functions_are_in_the_same_fold() -> None:
    counts = some_counts(5, 1440, 2)
    assert np.array_equal(folds(trace_of(counts)), folds(trace_of(counts.copy())))
    assert len(set(folds(trace_of(np.repeat(counts[1:2], 9, axis=0))))) == 1
