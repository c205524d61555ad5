"""The production heuristic: a feasible plan at once, a better one until the deadline."""

import numpy as np

from solver.deadline import Deadline
from solver.methods.price.blocks import Blocks, Int32, Numbering, arrange
from solver.methods.price.chance import new_stream
from solver.methods.price.knapsack import new_items
from solver.methods.price.prices import first_prices, lower
from solver.methods.price.refill import fill_up
from solver.methods.price.ruin import improve
from solver.methods.price.state import State, objective, residencies, state_of
from solver.plan import OPTIMAL_GAP, Plan, Status
from solver.problem import Problem

_PRICE_STEPS = 40
_FIRST_STEP, _LAST_STEP = 0.1, 0.002
_CHUNK = 50


class Price:
    """Price-guided heuristic, anytime and deterministic for a seed where the deadline does not cut.

    Parameters
    ----------
    steps_per_instance
        Ruin-and-recreate steps per instance before the method comes to its own end.
    """

    name = "price"

    def __init__(self, steps_per_instance: int = 500) -> None:
        self._steps_per_instance = steps_per_instance

    def solve(
        self, problem: Problem, *, deadline_s: float, seed: int, incumbent: Plan | None
    ) -> Plan:
        """Return the best plan found within the deadline, with the Lagrangian bound."""
        deadline = Deadline(deadline_s)
        blocks, numbering = arrange(problem)
        state = _start(problem, blocks, numbering, incumbent)
        items = new_items(
            max(1, len(blocks.mode_function)),
            len(blocks.function_library),
            len(blocks.library_memory),
        )
        stream = new_stream(seed)
        bound, prices = lower(blocks, first_prices(blocks), _PRICE_STEPS, _FIRST_STEP, _LAST_STEP)
        fill_up(blocks, state, prices.gpu, items, stream)
        steps = self._steps_per_instance * len(blocks.instance_memory)
        done = 0
        while done < steps and not deadline.passed:
            progress = max(done / steps, deadline.elapsed_s / deadline_s)
            gpu_price = prices.gpu * max(0.0, 1.3 * (1.0 - progress / 0.9))
            improve(blocks, state, gpu_price, _CHUNK, items, stream)
            done += _CHUNK
        fill_up(blocks, state, 0.0 * prices.gpu, items, stream)
        worth = objective(blocks, state)
        bound = max(bound, worth)
        status: Status = "feasible" if done >= steps else "deadline"
        if bound - worth <= OPTIMAL_GAP * max(abs(bound), 1e-12):
            status = "optimal"
        return Plan(
            problem=problem,
            pairs=_rows(blocks, state, numbering),
            objective=worth,
            bound=bound,
            status=status,
            solve_s=deadline.elapsed_s,
            method=self.name,
        )


def warm_up() -> None:
    """Compile or load every kernel, so that no later solve pays for it."""


def _start(problem: Problem, blocks: Blocks, numbering: Numbering, incumbent: Plan | None) -> State:
    rows = problem.held if incumbent is None else incumbent.pairs
    return state_of(
        blocks,
        np.concatenate([problem.pinned, rows]),
        numbering.new_mode,
        numbering.new_instance,
    )


def _rows(blocks: Blocks, state: State, numbering: Numbering) -> Int32:
    mode, instance = residencies(blocks, state)
    rows = np.stack([numbering.old_mode[mode], numbering.old_instance[instance]], axis=1)
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    rows.flags.writeable = False
    return rows
