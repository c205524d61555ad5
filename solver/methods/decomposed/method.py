"""The method: one core lowers the bound, the other searches for a plan to match."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Final

import numpy as np

from solver.deadline import Clock, Deadline
from solver.methods.decomposed.ascent import Ascent
from solver.methods.decomposed.block import new_bench
from solver.methods.decomposed.network import build_network
from solver.methods.decomposed.relaxation import relaxed_prices
from solver.methods.price import Price
from solver.plan import OPTIMAL_GAP, Plan, make_plan
from solver.problem import Problem

_RELAXATION_SHARE: Final = 0.6
"""Part of the deadline that the linear relaxation may take."""
_ROUND_SHARE: Final = 0.9
"""Part of the time left that a round of search takes: one long round ends better than many."""
_SHORTEST_ROUND_S: Final = 0.05
_MARGIN_S: Final = 0.002
"""Kept back to write the plan down."""
_STEPS: Final = 10**6


@dataclass(frozen=True)
class Decomposed:
    """Price calls and GPU memory, solve each block exactly, and search for a plan to match.

    The bound comes from prices that start at the linear relaxation's (see `prices` and `block`),
    the plan from the price-guided heuristic, round after round from the best plan so far. Once the
    bound has settled both cores search. The kernels run outside the interpreter lock, so these are
    threads, and all end with the solve.

    Parameters
    ----------
    clock
        Returns seconds, never falling.
    """

    clock: Clock = perf_counter
    name: str = "decomposed"

    def solve(
        self, problem: Problem, *, deadline_s: float, seed: int, incumbent: Plan | None
    ) -> Plan:
        """Return the best plan and the best bound found within the deadline.

        Raises
        ------
        MissingSolver
            If highspy is not installed.
        """
        watch = Deadline(deadline_s, self.clock)
        deadline = Deadline(max(0.95 * deadline_s, deadline_s - _MARGIN_S), self.clock)
        with ThreadPoolExecutor(1) as pool:
            descent = _Descent(problem, self.clock)
            lowering = pool.submit(descent.run, deadline)
            best = self._round(problem, deadline, seed, incumbent)
            while not deadline.passed and not _proven(best, descent.bound):
                seed += 2
                best = self._next_round(problem, deadline, seed, best, lowering, pool)
            descent.stop()
            lowering.result()
        bound = min(best.bound, max(descent.bound, best.objective))
        plan = make_plan(
            problem, best.pairs, method=self.name, status="deadline", solve_s=0.0, bound=bound
        )
        return replace(plan, solve_s=watch.elapsed_s)

    def _next_round(
        self,
        problem: Problem,
        deadline: Deadline,
        seed: int,
        best: Plan,
        lowering: "Future[None]",
        pool: ThreadPoolExecutor,
    ) -> Plan:
        """Search on, on both cores if the bound needs none."""
        other = None
        if lowering.done():
            other = pool.submit(self._round, problem, deadline, seed + 1, best)
        plan = self._round(problem, deadline, seed, best)
        found = plan if other is None else max(plan, other.result(), key=_worth)
        return replace(max(best, found, key=_worth), bound=min(best.bound, found.bound))

    def _round(self, problem: Problem, deadline: Deadline, seed: int, start: Plan | None) -> Plan:
        left_s = deadline.left_s
        limit_s = max(_ROUND_SHARE * left_s, min(_SHORTEST_ROUND_S, left_s))
        method = Price(_STEPS, tick_steps_per_instance=_STEPS, churn_ratio=0.0, clock=self.clock)
        return method.solve(problem, deadline_s=max(limit_s, 1e-6), seed=seed, incumbent=start)


class _Descent:
    """The bound on its way down, in a thread of its own."""

    def __init__(self, problem: Problem, clock: Clock) -> None:
        self._problem = problem
        self._clock = clock
        self._stopped = False
        self.bound = np.inf

    def run(self, deadline: Deadline) -> None:
        """Lower the bound until it has settled, the deadline has passed or `stop` is called."""
        network = build_network(self._problem)
        prices = relaxed_prices(network, _RELAXATION_SHARE * deadline.left_s)
        ascent = Ascent(network, new_bench(network), prices)
        while not (ascent.settled or deadline.passed or self._stopped):
            ascent.step(deadline)
            self.bound = ascent.bound

    def stop(self) -> None:
        """End at the next step."""
        self._stopped = True


def _worth(plan: Plan) -> float:
    return plan.objective


def _proven(plan: Plan, bound: float) -> bool:
    return min(bound, plan.bound) - plan.objective <= OPTIMAL_GAP * abs(plan.objective)
