"""The bound on its way down, in a thread of its own."""

from typing import Final

import numpy as np

from solver.deadline import Deadline
from solver.methods.decomposed.ascent import Ascent
from solver.methods.decomposed.block import new_bench
from solver.methods.decomposed.closing import Closing
from solver.methods.decomposed.network import build_network
from solver.methods.decomposed.relaxation import relaxed_prices
from solver.plan import Plan
from solver.problem import Problem

_RELAXATION_SHARE: Final = 0.6
"""Part of the deadline that the linear relaxation may take."""
_MOST_PAIRS: Final = 10_000
"""Up to so many pairs the whole is given to HiGHS in the end."""


class Descent:
    """Lowers the bound of a problem: prices first, then whole owners, then all at once.

    Attributes
    ----------
    bound : float
        Best bound by now.
    incumbent : Plan or None
        A good plan to start the last stage from; set by whoever has one.
    found : Plan or None
        The plan of the last stage.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._stopped = False
        self.bound = np.inf
        self.incumbent: Plan | None = None
        self.found: Plan | None = None

    def run(self, deadline: Deadline) -> None:
        """Go on until nothing is left to do, the deadline has passed or `stop` is called."""
        network = build_network(self._problem)
        prices = relaxed_prices(network, _RELAXATION_SHARE * deadline.left_s)
        bench = new_bench(network)
        ascent = Ascent(network, bench, prices)
        while not (ascent.settled or self._is_over(deadline)):
            ascent.step(deadline)
            self.bound = ascent.bound
        if self._is_over(deadline) or len(network.pairs) == 0:
            return
        closing = Closing(self._problem, network, bench, ascent.best)
        while not (closing.done or self._is_over(deadline)):
            closing.step(deadline)
            self.bound = min(self.bound, closing.bound)
        if len(network.pairs) <= _MOST_PAIRS and not self._is_over(deadline):
            self._solve_whole(deadline)

    def stop(self) -> None:
        """End at the next step."""
        self._stopped = True

    def _is_over(self, deadline: Deadline) -> bool:
        return self._stopped or deadline.passed

    def _solve_whole(self, deadline: Deadline) -> None:
        from solver.methods.highs import Highs

        self.found = Highs(clock=deadline.clock).solve(
            self._problem, deadline_s=deadline.left_s, seed=0, incumbent=self.incumbent
        )
        self.bound = min(self.bound, self.found.bound)
