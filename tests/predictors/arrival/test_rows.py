"""Sharing rows among threads."""

import numpy as np
import pytest

from predictors.arrival.rows import ROWS_WORTH_A_THREAD, share


@pytest.mark.parametrize("rows", [0, 1, ROWS_WORTH_A_THREAD, 7 * ROWS_WORTH_A_THREAD + 3])
def test_every_row_is_worked_on_once(rows: int) -> None:
    visits = np.zeros(rows, np.int64)

    def visit(first: int, last: int) -> None:
        visits[first:last] += 1

    share(visit, rows)
    assert np.all(visits == 1)


def test_errors_are_raised() -> None:
    def fail(first: int, last: int) -> None:
        raise ArithmeticError(f"rows {first} to {last}")

    with pytest.raises(ArithmeticError, match="rows 0 to"):
        share(fail, 4 * ROWS_WORTH_A_THREAD)
