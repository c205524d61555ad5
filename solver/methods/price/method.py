"""The production heuristic: a feasible plan at once, a better one until the deadline."""

from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Final

from solver.deadline import Clock, Deadline
from solver.methods.price.blocks import Blocks, arrange
from solver.methods.price.churn import is_in_place, with_churn_cost
from solver.methods.price.dual import Prices
from solver.methods.price.plan import PricedPlan, kept_prices, problem_order
from solver.methods.price.prices import bound_at, first_prices, free_of_charge, lower
from solver.methods.price.rows import rows_of, start
from solver.methods.price.search import Search
from solver.methods.price.state import State, objective
from solver.plan import OPTIMAL_GAP, Plan
from solver.problem import Problem

_SEARCH_SHARE: Final = 0.95
"""Part of the deadline after which the plan is written down."""
_PRICE_SHARE: Final = 0.15
"""Part of the deadline that the prices may take."""
_PRICED_STEPS: Final = 50
"""Without GPUs prices only say what to pass over; in a search of fewer steps an instance they take
longer than that saves. Problems of replays end 0.03 % higher after 10 steps in half the time."""
_TICK_STEPS: Final = 50
"""Steps of a tick at least; they take a tenth of a millisecond."""
_TINY: Final = 1e-12


@dataclass(frozen=True)
class Price:
    """Price-guided heuristic, anytime and deterministic for a seed where the deadline does not cut.

    An incumbent that is in place is only polished, and loads then cost more than they do, so that
    noise in the forecast moves nothing; any other incumbent is a start.

    Parameters
    ----------
    steps_per_instance
        Ruin-and-recreate steps per instance before the method comes to its own end.
    tick_steps_per_instance
        The same where the incumbent is in place.
    churn_ratio
        What a load costs in a tick on top of its load cost, as part of the seconds it saves.
    gpu_ratio
        What GPU bytes cost at first, as part of their price. With 2, not 1.3, and half the first
        length of the price steps, 10,000 functions end 0.2 % higher after 150 ms (seeds 1-3), 1,000
        functions after 15 and 50 ms (seeds 1-10).
    threads
        How many cores to use. The plan of a seed depends on it.
    clock
        Returns seconds, never falling.
    """

    steps_per_instance: int = 500
    tick_steps_per_instance: float = 1.0
    churn_ratio: float = 0.02
    gpu_ratio: float = 2.0
    threads: int = 1
    clock: Clock = perf_counter
    name: str = "price"

    def solve(
        self, problem: Problem, *, deadline_s: float, seed: int, incumbent: Plan | None
    ) -> Plan:
        """Return the best plan found within the deadline, with the bound that its prices prove."""
        watch = Deadline(deadline_s, self.clock)
        deadline = Deadline(_SEARCH_SHARE * deadline_s, self.clock)
        rows = problem.held if incumbent is None else incumbent.pairs
        blocks, numbering = arrange(problem, rows)
        bound, prices = self._prices(blocks, kept_prices(incumbent, numbering), deadline_s)
        state = start(problem, blocks, numbering, rows)
        if incumbent is not None and is_in_place(problem, incumbent):
            charged = with_churn_cost(problem, blocks, numbering, incumbent, self.churn_ratio)
            done = self._tick(charged, state, seed, deadline)
        else:
            guide = prices if incumbent is None else free_of_charge(blocks)
            done = self._search(blocks, state, guide, seed, deadline)
        worth = objective(blocks, state)
        bound = max(bound, worth)
        proven = bound < inf and bound - worth <= OPTIMAL_GAP * max(abs(bound), _TINY)
        return PricedPlan(
            problem=problem,
            pairs=rows_of(blocks, state, numbering),
            objective=worth,
            bound=bound,
            status="optimal" if proven else "feasible" if done else "deadline",
            solve_s=watch.elapsed_s,
            method=self.name,
            prices=problem_order(prices, numbering),
            instance_names=problem.instance_names,
            gpu_names=problem.gpu_names,
        )

    def _prices(
        self, blocks: Blocks, kept: Prices | None, deadline_s: float
    ) -> tuple[float, Prices]:
        if kept is not None:
            return bound_at(blocks, kept), kept
        if self.steps_per_instance < _PRICED_STEPS and len(blocks.gpu_memory) == 0:
            return inf, free_of_charge(blocks)
        return lower(blocks, first_prices(blocks), Deadline(_PRICE_SHARE * deadline_s, self.clock))

    def _tick(self, blocks: Blocks, state: State, seed: int, deadline: Deadline) -> bool:
        steps = max(_TICK_STEPS, int(self.tick_steps_per_instance * len(blocks.instance_memory)))
        with Search(blocks, state, seed) as search:
            return search.polish(steps, deadline)

    def _search(
        self, blocks: Blocks, state: State, prices: Prices, seed: int, deadline: Deadline
    ) -> bool:
        steps = self.steps_per_instance * len(blocks.instance_memory)
        with Search(blocks, state, seed, self.threads) as search:
            search.fill_up(prices, deadline)
            done = search.explore(prices, self.gpu_ratio, steps, deadline)
            search.fill_up(free_of_charge(blocks), deadline)
        return done
