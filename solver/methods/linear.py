"""The problem as a mixed-integer linear programme in sparse arrays."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from solver.problem import Float64, Int64, Problem

COUNT: Final = 0
"""Kind of a row that counts; its coefficients are 1 and -1."""
BYTES: Final = 1
"""Kind of a row that adds up bytes."""


@dataclass(frozen=True, eq=False)
class LinearProgram:
    """Maximise ``objective @ x`` over ``rows @ x <= row_upper``, ``column_lower <= x <= 1``.

    The first columns are the allowed pairs of the problem, in order, and whole; then come the
    libraries that several functions of an instance share, then the served copies. With the pairs
    fixed at 0 or 1 the best values of all other columns are 0 or 1 too.

    Attributes
    ----------
    objective, column_lower : float64[n]
        One entry a column.
    row_start, column, coefficient : int64[m + 1], int64[k], float64[k]
        Row r has ``coefficient[n]`` in ``column[n]`` for n in ``row_start[r]:row_start[r + 1]``.
    row_upper, row_kind : float64[m], int64[m]
        Right-hand sides, and ``COUNT`` or ``BYTES``.
    """

    n_pairs: int
    objective: Float64
    column_lower: Float64
    row_start: Int64
    column: Int64
    coefficient: Float64
    row_upper: Float64
    row_kind: Int64

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.objective)

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.row_upper)


class _Rows:
    """Collects rows as triplets."""

    def __init__(self) -> None:
        self.count = 0
        self._parts: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []
        self._upper: list[NDArray[Any]] = []
        self._kind: list[NDArray[Any]] = []

    def add(self, upper: NDArray[Any], kind: int, *entries: tuple[NDArray[Any], ...]) -> None:
        """Add a row for each entry of ``upper``; entries are (row among these, column, value)."""
        for row, column, value in entries:
            keep = value != 0
            self._parts.append((self.count + row[keep], column[keep], value[keep]))
        self._upper.append(upper)
        self._kind.append(np.full(len(upper), kind))
        self.count += len(upper)

    def build(self, n_pairs: int, objective: Float64, column_lower: Float64) -> LinearProgram:
        """Return the programme without the rows that no choice of columns can break."""
        row, column, value = (np.concatenate(part) for part in zip(*self._parts, strict=True))
        upper = np.concatenate(self._upper).astype(np.float64)
        most = np.bincount(row, np.maximum(value, 0).astype(np.float64), self.count)
        binds = most > upper
        keep = binds[row]
        number = np.cumsum(binds) - 1
        row, column, value = number[row[keep]], column[keep], value[keep]
        order = np.argsort(row, kind="stable")
        return LinearProgram(
            n_pairs=n_pairs,
            objective=objective,
            column_lower=column_lower,
            row_start=np.searchsorted(row[order], np.arange(binds.sum() + 1)).astype(np.int64),
            column=column[order].astype(np.int64),
            coefficient=value[order].astype(np.float64),
            row_upper=upper[binds],
            row_kind=np.concatenate(self._kind)[binds],
        )


def linear_program(problem: Problem) -> LinearProgram:
    """State a problem as a linear programme."""
    pairs = problem.pairs
    n = len(pairs)
    rows = _Rows()
    place, place_of_pair = np.unique(
        pairs.function.astype(np.int64) * problem.n_instances + pairs.instance,
        return_inverse=True,
    )
    shared = _add_memory(problem, rows, place_of_pair)
    one = np.ones(n)
    rows.add(np.ones(len(place)), COUNT, (place_of_pair, np.arange(n), one))
    copies = _add_copies(problem, rows, n + shared)
    objective = np.concatenate([-pairs.cost_s, np.zeros(shared), copies])
    lower = np.zeros(len(objective))
    lower[pairs.find(problem.pinned)] = 1
    return rows.build(n, objective, lower)


def _add_memory(problem: Problem, rows: _Rows, place_of_pair: Int64) -> int:
    """Add the rows of memory, GPU memory and shared libraries; return the number of the last."""
    pairs, setups = problem.pairs, problem.pairs.setups
    index = np.arange(len(pairs))
    users = _distinct_by(setups.of_pair, place_of_pair, len(setups.library))
    column = np.append(len(pairs) + np.cumsum(users > 1) - 1, -1)
    is_shared = np.append(users > 1, False)[setups.of_pair]
    library_bytes = np.append(problem.library_memory_bytes[setups.library], 0)
    own = problem.mode_memory_bytes[pairs.mode]
    own = own + np.where(is_shared, 0, library_bytes[setups.of_pair])
    common = np.flatnonzero(users > 1)
    rows.add(
        problem.instance_free_memory_bytes,
        BYTES,
        (pairs.instance, index, own),
        (setups.instance[common], column[common], library_bytes[common]),
    )
    on_gpu = np.flatnonzero(problem.mode_tier[pairs.mode] == 1)
    rows.add(
        problem.gpu_free_memory_bytes,
        BYTES,
        (
            problem.instance_gpu[pairs.instance[on_gpu]],
            on_gpu,
            problem.mode_gpu_memory_bytes[pairs.mode[on_gpu]],
        ),
    )
    needing, row = np.unique(place_of_pair[is_shared], return_inverse=True)
    setup_of_row = np.zeros(len(needing), dtype=np.int64)
    setup_of_row[row] = setups.of_pair[is_shared]
    rows.add(
        np.zeros(len(needing)),
        COUNT,
        (row, index[is_shared], np.ones(len(row))),
        (np.arange(len(needing)), column[setup_of_row], -np.ones(len(needing))),
    )
    return len(common)


def _distinct_by(group: NDArray[Any], member: NDArray[Any], groups: int) -> NDArray[Any]:
    """Count the distinct members of each group; group -1 is left out."""
    inside = group >= 0
    unique = np.unique(np.stack([group[inside], member[inside]]), axis=1)
    return np.bincount(unique[0], minlength=groups)


def _add_copies(problem: Problem, rows: _Rows, first: int) -> Float64:
    """Add the served copies as columns from ``first`` on; return their worth.

    Pairs of one function with equal value form a class. Column (class, rank) is 1 when a pair of
    the class serves that rank.
    """
    pairs = problem.pairs
    keys = np.stack([pairs.function.astype(np.float64), pairs.value_s])
    classes, class_of_pair = np.unique(keys, axis=1, return_inverse=True)
    function = classes[0].astype(np.int64)
    worth = problem.copies[function] * classes[1][:, None]
    size = np.bincount(pairs.function, minlength=problem.n_functions)
    ranks = np.arange(problem.copies.shape[1])
    class_, rank = np.nonzero((worth > 0) & (ranks < size[function][:, None]))
    column = first + np.arange(len(class_))
    one = np.ones(len(column))
    rows.add(
        np.zeros(len(function)),
        COUNT,
        (class_, column, one),
        (class_of_pair, np.arange(len(pairs)), -np.ones(len(pairs))),
    )
    served, row = np.unique(function[class_] * len(ranks) + rank, return_inverse=True)
    rows.add(np.ones(len(served)), COUNT, (row, column, one))
    return np.asarray(worth[class_, rank])
