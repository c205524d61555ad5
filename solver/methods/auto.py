"""The default: the heuristic first, then an exact method in a child process."""

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from threading import Lock
from time import perf_counter
from typing import Final

import numpy as np

from solver.deadline import Clock, Deadline
from solver.errors import InvalidPlan
from solver.method import Method
from solver.methods.price import Price
from solver.plan import Plan, make_plan
from solver.problem import Problem
from solver.verify import verify
from solver.worker import ChannelBroken, Worker

_SMALL_PAIRS: Final = 500
"""Up to so many pairs of one owner CP-SAT proves as much as the large exact method. With 650 and
1 s it ends at 0.17 % of the best bound, the other at 0.12 % (random problems of 200 functions in
25 instances, seeds 1-4, two cores)."""
_LARGE_S_PER_PAIR: Final = 1.5e-4
"""Least time for which the large exact method is worth asking."""
_HEURISTIC_SHARE: Final = {"cpsat": 0.1, "highs": 0.1, "decomposed": 0.2}
"""Part of the deadline that goes to the heuristic when that exact method follows."""
_READY_SHARE: Final = 0.5
"""Part of the time left for which a child that is still starting is waited for."""
_THEIR_SHARE: Final = 0.93
"""Part of the time left that the exact method is given; `decomposed` overran 1 s by up to 6.6 %."""
_RETURN_S: Final = 0.002
"""Kept back for the answer's way home and its check."""
_RESTART_S: Final = 10.0
"""Least time between two starts of the child, which take about a second of a core each."""


class Auto:
    """Price-guided heuristic, then an exact method in a child process for the time that is left.

    The best plan wins and the least bound is kept. The child's answer is verified; where it hangs,
    crashes or answers rubbish, the child is replaced and the heuristic goes on. The child starts
    with the first solve that can use it, and is kept.

    Parameters
    ----------
    heuristic
        The method that comes first, unless it is `price`.
    threads
        Cores for `price`.
    new_worker
        Starts a child.
    clock
        Returns seconds, never falling.
    """

    name = "auto"

    def __init__(
        self,
        heuristic: Method | None = None,
        *,
        threads: int = 1,
        new_worker: Callable[[], Worker] = Worker,
        clock: Clock = perf_counter,
    ) -> None:
        self._heuristic = heuristic or Price(threads=threads)
        self._new_worker = new_worker
        self._clock = clock
        self._one_at_a_time = Lock()
        self._worker: Worker | None = None
        self._started_s = -_RESTART_S

    def solve(
        self, problem: Problem, *, deadline_s: float, seed: int, incumbent: Plan | None
    ) -> Plan:
        """Return the best plan found within the deadline, with the best bound."""
        deadline = Deadline(deadline_s, self._clock)
        method = exact_method(problem, deadline_s)
        first_s = deadline_s if method is None else _HEURISTIC_SHARE[method] * deadline_s
        plan = self._heuristic.solve(problem, deadline_s=first_s, seed=seed, incumbent=incumbent)
        if method is not None and plan.status != "optimal":
            found = self._ask(plan, method, deadline, seed)
            if found is None and not deadline.passed:
                found = self._heuristic.solve(
                    problem, deadline_s=deadline.left_s, seed=seed, incumbent=plan
                )
            plan = plan if found is None else _better(plan, found)
        return replace(plan, method=self.name, solve_s=deadline.elapsed_s)

    def close(self) -> None:
        """End the child."""
        with self._one_at_a_time:
            self._drop_worker()

    def _ask(self, plan: Plan, method: str, deadline: Deadline, seed: int) -> Plan | None:
        """Return the child's plan, verified; None when it has none, or serves another thread."""
        if not self._one_at_a_time.acquire(blocking=False):
            return None
        try:
            worker = self._running_worker()
            if worker is None or not worker.wait_ready(_READY_SHARE * deadline.left_s):
                return None
            left_s = deadline.left_s
            if left_s <= _RETURN_S:
                return None
            theirs_s = _THEIR_SHARE * (left_s - _RETURN_S)
            found = worker.ask(plan, method, seed=seed, deadline_s=theirs_s, limit_s=left_s)
            verify(plan.problem, found)
        except TimeoutError:
            return None
        except (ChannelBroken, InvalidPlan):
            self._drop_worker()
            return None
        else:
            return found
        finally:
            self._one_at_a_time.release()

    def _running_worker(self) -> Worker | None:
        """Return the child; a new one in place of none or one that hangs, but not too often."""
        if self._worker is not None and self._worker.hung:
            self._drop_worker()
        if self._worker is None and self._clock() >= self._started_s + _RESTART_S:
            self._started_s = self._clock()
            self._worker = self._new_worker()
        return self._worker

    def _drop_worker(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None


def exact_method(problem: Problem, deadline_s: float) -> str | None:
    """Name the exact method worth asking, None where none is installed or the time too short."""
    n_pairs = _pairs_of_owners(problem)
    if n_pairs <= _SMALL_PAIRS and find_spec("ortools"):
        return "cpsat"
    if find_spec("highspy") is None:
        return None
    if n_pairs <= _SMALL_PAIRS:
        return "highs"
    return "decomposed" if deadline_s >= _LARGE_S_PER_PAIR * n_pairs else None


def _pairs_of_owners(problem: Problem) -> int:
    """Count pairs (mode, instance) of one owner, without listing them."""
    modes = np.bincount(problem.function_owner[problem.mode_function], minlength=problem.n_owners)
    instances = np.bincount(problem.instance_owner, minlength=problem.n_owners)
    return int(modes @ instances)


def _better(first: Plan, found: Plan) -> Plan:
    """Return the best pairs and the best bound of both, with the prices that the first may keep."""
    best = max(first, found, key=lambda plan: plan.objective)
    made = make_plan(
        first.problem,
        best.pairs,
        method=best.method,
        status="deadline" if "deadline" in (first.status, found.status) else "feasible",
        solve_s=best.solve_s,
        bound=min(first.bound, found.bound),
    )
    return replace(
        first, pairs=made.pairs, objective=made.objective, bound=made.bound, status=made.status
    )
