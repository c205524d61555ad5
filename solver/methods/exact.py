"""What the exact methods share: a linear programme in, a checked plan out."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from solver.deadline import Clock, Deadline
from solver.errors import MissingSolver
from solver.methods.density import Density
from solver.methods.greedy import place_fitting
from solver.methods.linear import LinearProgram, linear_program
from solver.objective import objective
from solver.pairs import Rows
from solver.plan import Plan, make_plan
from solver.problem import Problem


@dataclass(frozen=True)
class Answer:
    """What an optimiser found.

    Attributes
    ----------
    chosen : bool[n] or None
        The pairs to place; None when it found no solution.
    bound : float
        Proven upper bound of the objective.
    finished : bool
        Whether it came to its own end before the deadline.
    """

    chosen: NDArray[np.bool_] | None
    bound: float
    finished: bool


@dataclass(frozen=True)
class Task:
    """A programme to solve.

    Attributes
    ----------
    program : LinearProgram
        What to maximise.
    start : bool[n]
        Pairs of a feasible plan to start from.
    worth_s : float
        Order of the objective: that of the plan to start from, or the largest single worth.
    deadline : Deadline
        When to stop.
    seed : int
        Drives all choices that are free.
    """

    program: LinearProgram
    start: NDArray[np.bool_]
    worth_s: float
    deadline: Deadline
    seed: int


Optimise = Callable[[Task], Answer]


def solve_exactly(
    name: str,
    optimise: Optimise,
    problem: Problem,
    *,
    deadline_s: float,
    seed: int,
    incumbent: Plan | None,
    clock: Clock,
) -> Plan:
    """Return the better of a first plan and the optimiser's, with the optimiser's bound.

    The first plan is the incumbent, or one by value per byte. Optimisers keep constraints to a
    tolerance only, so what does not fit to the byte is left out of their answer.
    """
    deadline = Deadline(deadline_s, clock)
    program = linear_program(problem)
    start = _start(problem, incumbent)
    answer = Answer(None, inf, finished=False)
    if not program.n_columns:
        answer = Answer(None, 0.0, finished=True)
    elif not deadline.passed:
        worth_s = max(objective(problem, start), np.abs(program.objective).max())
        answer = optimise(Task(program, _chosen(problem, start), worth_s, deadline, seed))
    rows = start
    if answer.chosen is not None:
        found = place_fitting(problem, problem.pairs.rows(answer.chosen))
        rows = max(start, found, key=lambda one: objective(problem, one))
    return make_plan(
        problem,
        rows,
        method=name,
        status="feasible" if answer.finished else "deadline",
        solve_s=deadline.elapsed_s,
        bound=answer.bound,
    )


def missing(package: str) -> MissingSolver:
    """Return the error of a solver that is not installed."""
    return MissingSolver(f"{package} is not installed; try pip install 'headstart[solvers]'")


def _start(problem: Problem, incumbent: Plan | None) -> Rows:
    if incumbent is not None:
        return place_fitting(problem, incumbent.pairs)
    return Density().solve(problem, deadline_s=inf, seed=0, incumbent=None).pairs


def _chosen(problem: Problem, rows: Rows) -> NDArray[np.bool_]:
    chosen = np.zeros(len(problem.pairs), dtype=np.bool_)
    chosen[problem.pairs.find(rows)] = True
    return chosen
