"""The method: prices from the relaxation, then bound and placement side by side to the deadline."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from solver.deadline import Clock, Deadline
from solver.methods.decomposed.ascent import Ascent
from solver.methods.decomposed.block import new_bench
from solver.methods.decomposed.network import Network, build_network
from solver.methods.decomposed.relaxation import relaxed_prices
from solver.methods.decomposed.search import Search
from solver.objective import objective
from solver.pairs import Rows
from solver.plan import OPTIMAL_GAP, Plan, make_plan
from solver.problem import Int64, Problem

_ROUND_RATIO = 0.02
_SHORTEST_ROUND_S = 0.02
_LONGEST_ROUND_S = 0.5


@dataclass(frozen=True)
class Decomposed:
    """Price calls and GPU memory, solve each block exactly, and search for a plan to match.

    The bound comes from the prices (see `prices` and `block`), the plan from a local search whose
    moves refill instances exactly (see `moves`). One core lowers the bound for as long as that
    pays, the others search; then all search.

    Parameters
    ----------
    n_threads
        Cores to use. The kernels run outside the interpreter lock, so these are threads, and all
        end with the process.
    clock
        Returns seconds, never falling.
    """

    n_threads: int = 2
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
        deadline = Deadline(deadline_s, self.clock)
        network = build_network(problem)
        search = Search(network, self.n_threads, np.random.default_rng(seed))
        if incumbent is not None:
            search.adopt(_free_pairs(network, carried_over(problem, incumbent)))
        prices = relaxed_prices(network, deadline.left_s)
        ascent = Ascent(network, new_bench(network), prices)
        search.build(prices, deadline)
        with ThreadPoolExecutor(self.n_threads) as pool:
            while not deadline.passed:
                self._round(pool, search, ascent, deadline)
                worth = objective(problem, _rows(network, search))
                if worth >= ascent.bound - OPTIMAL_GAP * abs(ascent.bound):
                    break
        rows = _rows(network, search)
        return make_plan(
            problem,
            rows,
            method=self.name,
            status="deadline",
            solve_s=deadline.elapsed_s,
            bound=ascent.bound,
        )

    def _round(
        self, pool: ThreadPoolExecutor, search: Search, ascent: Ascent, deadline: Deadline
    ) -> None:
        round_s = min(max(_ROUND_RATIO * deadline.limit_s, _SHORTEST_ROUND_S), _LONGEST_ROUND_S)
        until = Deadline(min(round_s, deadline.left_s), self.clock)
        n_parts = self.n_threads if ascent.settled else max(1, self.n_threads - 1)
        descent = None
        if not ascent.settled:
            descent = pool.submit(_descend, ascent, until)
            if self.n_threads == 1:
                descent.result()
                until = Deadline(min(round_s, deadline.left_s), self.clock)
        futures = [pool.submit(task) for task in search.tasks(n_parts, ascent.best, until)]
        search.meet([future.result() for future in futures])
        if descent is not None:
            descent.result()


def _descend(ascent: Ascent, until: Deadline) -> None:
    while not (ascent.settled or until.passed):
        ascent.step(until)


def carried_over(problem: Problem, plan: Plan) -> Rows:
    """Return the rows (mode, instance) of a plan, by name if it is one of another problem."""
    if plan.problem is problem:
        return plan.pairs
    before = plan.problem
    function = {name: index for index, name in enumerate(problem.function_names)}
    instance = {name: index for index, name in enumerate(problem.instance_names)}
    mode = {
        (int(problem.mode_function[index]), int(tier)): index
        for index, tier in enumerate(problem.mode_tier)
    }
    rows = []
    for old_mode, old_instance in plan.pairs:
        name = before.function_names[before.mode_function[old_mode]]
        tier = int(before.mode_tier[old_mode])
        row = (
            mode.get((function.get(name, -1), tier)),
            instance.get(before.instance_names[old_instance]),
        )
        if None not in row:
            rows.append(row)
    return np.array(rows, dtype=np.int32).reshape(-1, 2)


def _free_pairs(network: Network, rows: Rows) -> Int64:
    """Return the positions of those rows that are free pairs."""
    width = int(network.pairs["instance"].max(initial=0)) + 1
    keys = network.pairs["mode"] * width + network.pairs["instance"]
    wanted = rows[:, 0].astype(np.int64) * width + rows[:, 1]
    inside = rows[:, 1] < width
    return np.flatnonzero(np.isin(keys, wanted[inside]))


def _rows(network: Network, search: Search) -> Rows:
    placed = np.concatenate([network.pairs[search.placement.placed], network.pinned])
    return np.stack([placed["mode"], placed["instance"]], axis=1).astype(np.int32)
