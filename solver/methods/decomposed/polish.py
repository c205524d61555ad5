"""Large neighbourhoods solved exactly: some instances are emptied, all else stays where it is.

First every owner in turn, from the one with fewest pairs on, with the GPU memory that the others
leave; then the instances on one GPU, or an instance, with others of the same owners. Each is an
integer programme of a few hundred pairs, which HiGHS mostly solves to the end.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from solver.deadline import Deadline
from solver.methods.decomposed.part import cut_part
from solver.pairs import Rows
from solver.plan import Plan, make_plan
from solver.problem import Int64, Problem

_FIRST_PAIRS: Final = 600
_GROW: Final = 1.1
_SHRINK: Final = 0.8
"""Free pairs of a neighbourhood; fewer when a step takes all its time, more when it does not."""
_FULL: Final = 0.7
"""A neighbourhood with this part of the pairs allowed, or more, tells that more are feasible."""
_STEP_S: Final = 2.0
_TOLERANCE: Final = 1e-6
"""A step stops this near its optimum, as part of the worth of the whole plan."""


class Polish:
    """A plan that gets better neighbourhood by neighbourhood.

    Parameters
    ----------
    problem
        What is planned.
    rows
        A feasible plan, rows (mode, instance).
    seed
        Source of all chance.

    Attributes
    ----------
    plan : Plan
        The best plan so far.
    """

    def __init__(self, problem: Problem, rows: Rows, seed: int) -> None:
        self.plan = _plan(problem, rows)
        self._problem = problem
        self._rng = np.random.default_rng(seed)
        self._pairs = np.bincount(problem.pairs.instance, minlength=problem.n_instances)
        self._most_pairs = float(_FIRST_PAIRS)
        self._neighbourhoods = self._in_turn()

    def step(self, deadline: Deadline) -> None:
        """Solve one neighbourhood; keep the result if it is better."""
        from solver.methods.highs import Highs

        free = next(self._neighbourhoods)
        problem, rows = self._problem, self.plan.pairs
        owners = np.unique(problem.instance_owner[free])
        mine = np.isin(problem.instance_owner[rows[:, 1]], owners)
        part = cut_part(
            problem,
            owners,
            gpu_memory_bytes=self._gpu_left(rows[~mine]),
            fixed=rows[mine & ~np.isin(rows[:, 1], free)],
        )
        start = _plan(part.problem, part.inside(rows))
        method = Highs(enough_s=_TOLERANCE * abs(self.plan.objective), clock=deadline.clock)
        limit_s = min(_STEP_S, deadline.left_s)
        found = method.solve(part.problem, deadline_s=limit_s, seed=0, incumbent=start)
        self._adapt(int(self._pairs[free].sum()), found.status == "deadline")
        if found.objective > start.objective:
            self.plan = _plan(problem, np.concatenate([rows[~mine], part.outside(found.pairs)]))

    def _adapt(self, n_pairs: int, too_long: bool) -> None:
        """Take fewer pairs the next time, or more if as many as now can be solved in time."""
        if too_long:
            self._most_pairs *= _SHRINK
        elif n_pairs > _FULL * self._most_pairs:
            self._most_pairs *= _GROW

    def _in_turn(self) -> Iterator[Int64]:
        """Yield sets of instances, without end."""
        problem = self._problem
        weight = np.bincount(problem.instance_owner, self._pairs, problem.n_owners)
        for owner in np.argsort(weight, kind="stable"):
            if weight[owner] > 0:
                yield self._some(np.flatnonzero(problem.instance_owner == owner), 0)
        offered = np.flatnonzero(self._pairs)
        while True:
            yield self._around(self._rng.choice(offered))

    def _around(self, instance: int) -> Int64:
        """Return an instance, those on its GPU, and others of their owners."""
        problem, gpu = self._problem, self._problem.instance_gpu[instance]
        near = np.array([instance]) if gpu < 0 else np.flatnonzero(problem.instance_gpu == gpu)
        owners = problem.instance_owner[near]
        related = np.flatnonzero(np.isin(problem.instance_owner, owners))
        return self._some(np.concatenate([near, np.setdiff1d(related, near)]), len(near))

    def _some(self, instances: Int64, first: int) -> Int64:
        """Return the first instances and, by chance, as many others as the pairs allow."""
        order = np.concatenate([instances[:first], self._rng.permutation(instances[first:])])
        fits = np.cumsum(self._pairs[order]) <= self._most_pairs
        fits[: max(first, 1)] = True
        return order[fits]

    def _gpu_left(self, rows: Rows) -> Int64:
        problem = self._problem
        left = problem.gpu_free_memory_bytes.copy()
        on_gpu = rows[problem.mode_tier[rows[:, 0]] == 1]
        used = problem.mode_gpu_memory_bytes[on_gpu[:, 0]]
        np.subtract.at(left, problem.instance_gpu[on_gpu[:, 1]], used)
        return left


def _plan(problem: Problem, rows: Rows) -> Plan:
    return make_plan(problem, rows, method="polish", status="feasible", solve_s=0.0)
