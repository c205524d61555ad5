"""Which functions a predictor may be tuned on, and which it is judged by."""

import zlib

import numpy as np
from numpy.typing import NDArray

from bench.traces.minutes import MinuteTrace
from bench.traces.tables import TraceError

FOLDS = 10
TRAINING = tuple(range(7))
VALIDATION = (7,)
TEST = (8, 9)
COMMON_FIRST_MINUTE, COMMON_MINUTES = 479, 480


def folds(trace: MinuteTrace) -> NDArray[np.int64]:
    """Return the fold, 0 to 9, of each function.

    A fold follows from the counts in the eight hours that the data sets have in common, so that
    a function seen in several of them is in the same fold everywhere.
    """
    first = max(0, COMMON_FIRST_MINUTE - trace.first_minute)
    common = np.ascontiguousarray(trace.counts[:, first : first + COMMON_MINUTES])
    keys = [row if row.any() else whole for row, whole in zip(common, trace.counts, strict=True)]
    return np.array([zlib.crc32(key.tobytes()) % FOLDS for key in keys], np.int64)


def in_folds(trace: MinuteTrace, wanted: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the rows of the functions in these folds.

    Raises
    ------
    TraceError
        If there are none.
    """
    rows = np.flatnonzero(np.isin(folds(trace), wanted))
    if not len(rows):
        count = len(trace.names)
        raise TraceError(f"none of {count} functions is in folds {wanted}; expected a larger trace")
    return rows
