"""Greedy by value per priced byte."""

from dataclasses import dataclass
from time import perf_counter
from typing import Final

import numpy as np

from solver.deadline import Clock, Deadline
from solver.methods.greedy import BEST_FIT, place_in_order
from solver.plan import Plan, make_plan
from solver.problem import Float64, Problem

_LEAST_SHARE: Final = 1e-30
"""Stands in for the share of a mode that takes nothing; a single byte takes far more."""


@dataclass(frozen=True)
class Density:
    """Tyche's rule: the residencies that save most for the memory they take come first.

    The worth of the j-th copy of a function in a mode is P(N >= j) times the seconds saved, less
    the load cost. A byte of RAM is priced at one over the free RAM of all instances, a byte of
    GPU memory at one over that of all GPUs, so that the scarcer memory is dearer. Candidates are
    placed by falling worth per priced byte, each in the instance that it fits most tightly.

    Value per byte is the rule of Tyche (Sui et al., IEEE TPDS 2026); pricing the two kinds of
    memory by their totals is ours, as are copies, load costs and best fit.
    """

    clock: Clock = perf_counter
    name: str = "density"

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
        function = problem.mode_function
        worth = problem.copies[function] * problem.mode_saving_s[:, None]
        density = (worth - problem.mode_load_cost_s[:, None]) / _price(problem)[:, None]
        order = np.argsort(-density, axis=None, kind="stable")
        rows = place_in_order(problem, order // ranks, order % ranks, BEST_FIT)
        return make_plan(
            problem, rows, method=self.name, status="feasible", solve_s=deadline.elapsed_s
        )


def _price(problem: Problem) -> Float64:
    """Return the share of all memory that each mode takes, float64[M]."""
    memory = max(1.0, problem.instance_free_memory_bytes.sum(dtype=np.float64))
    gpu_memory = max(1.0, problem.gpu_free_memory_bytes.sum(dtype=np.float64))
    price = problem.mode_memory_bytes / memory + problem.mode_gpu_memory_bytes / gpu_memory
    floor: Float64 = np.maximum(price, _LEAST_SHARE)
    return floor
