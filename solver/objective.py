"""What a set of placed pairs is worth."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from solver.pairs import Rows

if TYPE_CHECKING:
    from solver.problem import Problem


def objective(problem: "Problem", rows: Rows) -> float:
    """Return the worth of allowed rows (mode, instance), in expected seconds saved.

    The j-th most valuable residency of a function earns P(N >= j) times its value; each new
    residency pays its load cost. Ranks beyond the known ones earn nothing.
    """
    pairs = problem.pairs
    position = pairs.find(rows)
    function = pairs.function[position]
    value = pairs.value_s[position]
    order = np.lexsort((-value, function))
    rank = _rank_in_group(function[order])
    known = rank < problem.copies.shape[1]
    chance = problem.copies[function[order][known], rank[known]]
    return float(chance @ value[order][known] - pairs.cost_s[position].sum())


def _rank_in_group(groups: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return 0, 1, 2... within each run of equal entries."""
    index = np.arange(len(groups))
    first = np.ones(len(groups), dtype=np.bool_)
    first[1:] = groups[1:] != groups[:-1]
    return index - np.maximum.accumulate(np.where(first, index, 0))
