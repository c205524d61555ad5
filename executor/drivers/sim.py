"""The simulated driver: an event heap in place of the clock."""

from collections.abc import Callable
from heapq import heappop, heappush

from executor.actions import Solve
from executor.clock import Timer
from executor.drivers.engine import ErrorSink, PlanSink
from solver import Plan, Problem


class EventHeap:
    """A timer whose time jumps to the next callback; equal times keep their order."""

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def now_s(self) -> float:
        """Return the simulated time."""
        return self._now_s

    def at(self, at_s: float, callback: Callable[[], None]) -> None:
        """Call back at a time, or next when that has passed."""
        self._count += 1
        due_s = at_s if at_s > self._now_s else self._now_s
        heappush(self._heap, (due_s, self._count, callback))

    def run(self, until_s: float) -> None:
        """Play all callbacks up to and at ``until_s``."""
        heap = self._heap
        while heap and heap[0][0] <= until_s:
            self._now_s, _, callback = heappop(heap)
            callback()
        self._now_s = max(self._now_s, until_s)


class ChargedPlanner:
    """Solves at once and lets simulated time pass for it.

    Parameters
    ----------
    timer
        The heap of the simulation.
    solver
        Gives the plan of a problem.
    charge_s
        Simulated seconds that a solve takes; a function of the problem, not of this machine's
        speed, so that a simulation repeats bit for bit.
    """

    def __init__(
        self,
        timer: Timer,
        solver: Callable[[Problem], Plan],
        charge_s: Callable[[Problem], float],
    ) -> None:
        self._timer = timer
        self._solver = solver
        self._charge_s = charge_s

    def start(self, solve: Solve, done: PlanSink, failed: ErrorSink) -> None:  # noqa: ARG002
        """Solve now, and raise at once what the solver raises; the plan counts after the charge."""
        plan = self._solver(solve.problem)
        solve_s = self._charge_s(solve.problem)
        self._timer.at(self._timer.now_s() + solve_s, lambda: done(plan, solve_s))
