"""The answer to a problem."""

from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from solver.objective import objective
from solver.pairs import Rows, pair_key
from solver.problem import Problem
from solver.unplaced import unplaced

Status = Literal["optimal", "feasible", "deadline"]

OPTIMAL_GAP: Final = 1e-6
"""Relative gap below which a plan counts as proven optimal."""
_TINY: Final = 1e-12


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan:
    """Desired residencies, with what is proven about them.

    Attributes
    ----------
    problem : Problem
        What the plan answers.
    pairs : int32[n, 2]
        Placed rows (mode, instance), ascending, read-only.
    objective : float
        Expected seconds saved, less load costs.
    bound : float
        Proven upper bound of the objective over all plans; infinite if none.
    status : str
        ``optimal``: proven; ``feasible``: the method came to its own end; ``deadline``: it was
        stopped by the deadline.
    solve_s : float
        Wall time of the solve.
    method : str
        Name of the method that found the plan.
    """

    problem: Problem
    pairs: Rows
    objective: float
    bound: float
    status: Status
    solve_s: float
    method: str

    @property
    def gap(self) -> float:
        """Relative distance of the objective from the bound; infinite without a bound."""
        if self.bound == inf:
            return inf
        return (self.bound - self.objective) / max(abs(self.bound), _TINY)

    @cached_property
    def loads(self) -> Rows:
        """Placed pairs that are not held now, int32[n, 2]."""
        return self.pairs[~_member(self.problem, self.pairs, self.problem.held)]

    @cached_property
    def offloads(self) -> Rows:
        """Held pairs that the plan gives up, int32[n, 2]."""
        held = self.problem.held
        return held[~_member(self.problem, held, self.pairs)]

    @cached_property
    def unplaced(self) -> tuple[tuple[int, str], ...]:
        """Functions (index, reason) without any residency in the plan."""
        return unplaced(self.problem, self.pairs)


def make_plan(
    problem: Problem,
    pairs: Rows,
    *,
    method: str,
    status: Status,
    solve_s: float,
    bound: float = inf,
) -> Plan:
    """Return the plan of the given allowed rows (mode, instance), in any order.

    A bound within ``OPTIMAL_GAP`` of the objective makes the status ``optimal``.
    """
    rows = np.asarray(pairs, dtype=np.int32).reshape(-1, 2)
    rows = rows[np.argsort(pair_key(problem, rows[:, 0], rows[:, 1]))]
    rows.flags.writeable = False
    worth = objective(problem, rows)
    if bound < inf and abs(bound - worth) <= OPTIMAL_GAP * max(abs(bound), _TINY):
        bound = max(bound, worth)
        status = "optimal"
    return Plan(
        problem=problem,
        pairs=rows,
        objective=worth,
        bound=bound,
        status=status,
        solve_s=solve_s,
        method=method,
    )


def _member(problem: Problem, rows: Rows, of: Rows) -> NDArray[np.bool_]:
    return np.isin(pair_key(problem, rows[:, 0], rows[:, 1]), pair_key(problem, of[:, 0], of[:, 1]))
