"""What every solution method offers."""

from typing import Protocol

from solver.plan import Plan
from solver.problem import Problem


class Method(Protocol):
    """A way to solve placement problems; one class, one module or package."""

    @property
    def name(self) -> str:
        """Name under which the method is known."""

    def solve(
        self, problem: Problem, *, deadline_s: float, seed: int, incumbent: Plan | None
    ) -> Plan:
        """Return a feasible plan.

        Parameters
        ----------
        problem
            What to solve.
        deadline_s
            Wall time allowed.
        seed
            The same seed gives the same plan, unless the deadline cuts in.
        incumbent
            A plan of this problem to start from; its pairs are allowed, but may not all fit
            together. Methods that cannot use one ignore it.
        """
