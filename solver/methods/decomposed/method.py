"""The method: one core lowers the bound, the other searches for a plan to match."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Final

from solver.deadline import Clock, Deadline
from solver.methods.decomposed.descent import Descent
from solver.methods.decomposed.polish import Polish
from solver.methods.price import Price
from solver.plan import OPTIMAL_GAP, Plan, make_plan
from solver.problem import Problem

_STEPS: Final = 2000
"""Ruin-and-recreate steps per instance before whole neighbourhoods are solved: at 1,000 functions
1.6 s of a core, after which exact neighbourhoods gain more in the same time."""
_PRICE_SHARE: Final = 0.9
"""Part of the deadline that they may take."""
_STARTS_SHARE: Final = 0.25
"""Part of the deadline up to which they start again; the best plan goes on."""
_GPU_RATIOS: Final = (2.0, 1.3)
"""What GPU bytes cost in these starts, in turn. How GPU memory is divided among owners hardly
changes later, and neither ratio is best for all problems."""
_MARGIN_S: Final = 0.002
"""Kept back to write the plan down."""


@dataclass(frozen=True)
class Decomposed:
    """Price calls and GPU memory, solve owners exactly, and search for a plan to match.

    The bound comes from prices that start at the linear relaxation's (see `prices` and `block`),
    then from whole owners (see `closing`) and, where that is small enough, the whole problem. The
    plan comes from the price-guided heuristic, then from exact solutions of large neighbourhoods
    (see `polish`). Kernels and HiGHS run outside the interpreter lock, so these are threads, and
    both end with the solve.

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
        descent = Descent(problem)
        with ThreadPoolExecutor(1) as pool:
            lowering = pool.submit(descent.run, deadline)
            best = self._price(problem, deadline, seed, 0, incumbent)
            number = 0
            while not (_proven(best, descent.bound) or _has_spent(deadline, _STARTS_SHARE)):
                number += 1
                best = _best(best, self._price(problem, deadline, seed, number, incumbent))
            descent.incumbent = best
            polish = Polish(problem, best.pairs, seed)
            while len(problem.pairs) and not (deadline.passed or _proven(best, descent.bound)):
                polish.step(deadline)
                descent.incumbent = polish.plan
                best = _best(best, polish.plan, descent.found)
            descent.stop()
            lowering.result()
        best = _best(best, descent.found)
        bound = max(min(best.bound, descent.bound), best.objective)
        plan = make_plan(
            problem, best.pairs, method=self.name, status="deadline", solve_s=0.0, bound=bound
        )
        return replace(plan, solve_s=watch.elapsed_s)

    def _price(
        self,
        problem: Problem,
        deadline: Deadline,
        seed: int,
        number: int,
        incumbent: Plan | None,
    ) -> Plan:
        method = Price(
            _STEPS,
            tick_steps_per_instance=_STEPS,
            churn_ratio=0.0,
            gpu_ratio=_GPU_RATIOS[number % len(_GPU_RATIOS)],
            clock=self.clock,
        )
        limit_s = max(_PRICE_SHARE * deadline.left_s, 1e-6)
        return method.solve(problem, deadline_s=limit_s, seed=seed + number, incumbent=incumbent)


def _best(plan: Plan, *others: Plan | None) -> Plan:
    """Return the best plan, with the least bound of all."""
    plans = [plan, *(other for other in others if other is not None)]
    best = max(plans, key=lambda plan: plan.objective)
    return replace(best, bound=min(plan.bound for plan in plans))


def _has_spent(deadline: Deadline, share: float) -> bool:
    return deadline.elapsed_s >= share * deadline.limit_s


def _proven(plan: Plan, bound: float) -> bool:
    return min(plan.bound, bound) - plan.objective <= OPTIMAL_GAP * abs(plan.objective)
