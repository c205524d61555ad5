"""A first solve, so that no later one pays for imports, compiled kernels and child processes."""

from typing import Final

from solver.builder import Mode, ProblemBuilder
from solver.door import solve
from solver.problem import Problem
from solver.verify import verify

_LIMIT_S: Final = 30.0


def warm_up(method: str = "auto", threads: int = 1) -> None:
    """Make a method ready; kernels that were never compiled on this machine take half a minute.

    Raises
    ------
    UnknownMethod
        When there is no such method.
    MissingSolver
        When the method needs a third-party solver that is not installed.
    """
    problem = _open_problem()
    verify(problem, solve(problem, method, deadline_s=_LIMIT_S, threads=threads))


def _open_problem() -> Problem:
    """Return a tiny problem whose optimum no price proves, so that every stage has its turn."""
    builder = ProblemBuilder()
    for name in "fg":
        mode = Mode("host", memory_bytes=2, saving_s=1.0, load_cost_s=0.1)
        builder.add_function(name, "u", [0.5], [mode])
    builder.add_instance("i", "u", 3)
    return builder.build()
