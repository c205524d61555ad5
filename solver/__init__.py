"""Pure mathematics of placement: which functions should be resident in which instance.

>>> from solver import Problem, solve, verify
>>> plan = solve(problem, method="auto", deadline_s=0.05)  # doctest: +SKIP
>>> verify(problem, plan)  # doctest: +SKIP
"""

from solver.door import solve
from solver.errors import InvalidPlan, InvalidProblem, MissingSolver, SolverError, UnknownMethod
from solver.method import Method
from solver.plan import Plan
from solver.problem import TIERS, Problem
from solver.verify import verify
from solver.warm_up import warm_up

__all__ = [
    "TIERS",
    "InvalidPlan",
    "InvalidProblem",
    "Method",
    "MissingSolver",
    "Plan",
    "Problem",
    "SolverError",
    "UnknownMethod",
    "solve",
    "verify",
    "warm_up",
]
