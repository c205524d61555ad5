"""Greedy by expected benefit: the baseline of the field."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from solver.deadline import Clock, Deadline
from solver.methods.greedy import WORST_FIT, place_in_order
from solver.plan import Plan, make_plan
from solver.problem import Problem


@dataclass(frozen=True)
class Priority:
    """Priority-based bin packing: functions by falling E = P(arrival) x T(loading).

    InstaInfer (Sui et al., SoCC 2024) ranks functions by the chance of a call within the horizon
    times the loading time that a pre-loaded function saves, and places one function at a time in
    the instance with most memory left (worst fit). Size plays no part in the ranking. Here a
    second copy ranks with P(N >= 2), which the published rule does not have.
    """

    clock: Clock = perf_counter
    name: str = "priority"

    def solve(
        self,
        problem: Problem,
        *,
        deadline_s: float,
        seed: int,  # noqa: ARG002
        incumbent: Plan | None,  # noqa: ARG002
    ) -> Plan:
        """Return the plan; it draws nothing and starts from nothing."""
        deadline = Deadline(deadline_s, self.clock)
        ranks = problem.copies.shape[1]
        benefit = problem.copies[problem.mode_function] * problem.mode_saving_s[:, None]
        order = np.argsort(-benefit, axis=None, kind="stable")
        rows = place_in_order(problem, order // ranks, order % ranks, WORST_FIT)
        return make_plan(
            problem, rows, method=self.name, status="feasible", solve_s=deadline.elapsed_s
        )
