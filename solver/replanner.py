"""Problems that follow one another, each solved from the plan before."""

from solver.door import solve
from solver.plan import Plan
from solver.problem import Problem


class Replanner:
    """Solves each problem from the last plan; a problem without news gets the same plan.

    Parameters
    ----------
    method, deadline_s, seed
        As for ``solve``.
    """

    def __init__(self, method: str = "auto", deadline_s: float = 0.05, seed: int = 0) -> None:
        self._method = method
        self._deadline_s = deadline_s
        self._seed = seed
        self._last: Plan | None = None

    def __call__(self, problem: Problem) -> Plan:
        """Return a plan of the next problem."""
        plan = solve(problem, self._method, self._deadline_s, self._seed, self._last)
        self._last = plan
        return plan
