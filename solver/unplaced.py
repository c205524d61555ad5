"""Why functions have no residency in a plan."""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from solver.pairs import Rows, fits_alone

if TYPE_CHECKING:
    from solver.problem import Problem

NO_INSTANCE: Final = "its owner has no instance"
TOO_LARGE: Final = "it fits none of its owner's instances"
FORBIDDEN: Final = "every instance that it fits is forbidden"
NO_WORTH: Final = "no residency is worth its load cost"
OUTBID: Final = "the memory it could use serves others better"


def unplaced(problem: "Problem", rows: Rows) -> tuple[tuple[int, str], ...]:
    """Return (function, reason) of each function without a row (mode, instance)."""
    placed = problem.mode_function[rows[:, 0]]
    reasons = np.full(problem.n_functions, TOO_LARGE, dtype=object)
    reasons[_without_instance(problem)] = NO_INSTANCE
    reasons[_forbidden(problem)] = FORBIDDEN
    reasons[problem.pairs.function] = NO_WORTH
    reasons[_worthwhile(problem)] = OUTBID
    missing = np.setdiff1d(np.arange(problem.n_functions), placed)
    return tuple(zip(missing.tolist(), reasons[missing].tolist(), strict=True))


def _without_instance(problem: "Problem") -> NDArray[np.bool_]:
    count = np.bincount(problem.instance_owner, minlength=problem.n_owners)
    without: NDArray[np.bool_] = count[problem.function_owner] == 0
    return without


def _forbidden(problem: "Problem") -> NDArray[np.int32]:
    """Return functions with a forbidden pair that would fit."""
    mode, instance = problem.forbidden[:, 0], problem.forbidden[:, 1]
    return problem.mode_function[mode[fits_alone(problem, mode, instance)]]


def _worthwhile(problem: "Problem") -> NDArray[np.int32]:
    """Return functions with an allowed pair that earns more than it costs as the only one."""
    pairs = problem.pairs
    gains = problem.copies[pairs.function, 0] * pairs.value_s > pairs.cost_s
    worthwhile: NDArray[np.int32] = pairs.function[gains]
    return worthwhile
