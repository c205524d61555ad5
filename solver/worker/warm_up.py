"""A first solve, so that no question pays for imports and for loading compiled kernels."""

from typing import Final

from solver.builder import Mode, ProblemBuilder
from solver.errors import MissingSolver
from solver.methods import load_method
from solver.problem import Problem

_METHODS: Final = ("cpsat", "density")


def warm_up() -> None:
    """Solve a tiny problem by the methods that are installed."""
    problem = _tiny()
    for name in _METHODS:
        try:
            method = load_method(name)
        except MissingSolver:
            continue
        method.solve(problem, deadline_s=1.0, seed=0, incumbent=None)


def _tiny() -> Problem:
    builder = ProblemBuilder()
    for name in "fg":
        mode = Mode("host", memory_bytes=1, saving_s=1.0, load_cost_s=0.1)
        builder.add_function(name, "u", [0.5], [mode])
    builder.add_instance("i", "u", 1)
    return builder.build()
