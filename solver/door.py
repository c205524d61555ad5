"""The one door to all methods."""

from functools import cache

from solver.incumbent import carried_over, stated_anew, still_stands
from solver.methods import load_method
from solver.plan import Plan
from solver.problem import Problem

kept_method = cache(load_method)
"""Makes each method once, since some keep a child process that is ready to solve."""


def solve(
    problem: Problem,
    method: str = "auto",
    deadline_s: float = 0.05,
    seed: int = 0,
    incumbent: Plan | None = None,
    threads: int = 1,
) -> Plan:
    """Return a feasible plan of a problem.

    Parameters
    ----------
    problem
        What to solve.
    method
        A key of ``solver.methods.METHODS``.
    deadline_s
        Wall time allowed, above 0.
    seed
        The same seed gives the same plan, unless the deadline cuts in.
    incumbent
        A plan to start from, perhaps of an earlier problem over the same names. When it is in
        place and nothing has changed since, it is the answer.
    threads
        Cores for the heuristic; the same seed and number give the same plan.

    Raises
    ------
    UnknownMethod
        When there is no such method, or none that takes several threads.
    MissingSolver
        When the method needs a third-party solver that is not installed.
    """
    solver = kept_method(method, threads)
    if incumbent is not None:
        if still_stands(problem, incumbent):
            return stated_anew(problem, incumbent)
        incumbent = carried_over(problem, incumbent)
    return solver.solve(problem, deadline_s=deadline_s, seed=seed, incumbent=incumbent)
