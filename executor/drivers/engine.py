"""Delivers events to the controller one after the other and carries out what it answers."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from executor.actions import Action, Finish, Solve, WakeAt
from executor.clock import Timer
from executor.controller import Controller
from executor.events import Event, PlanReady, Tick
from executor.runtimes.protocol import Runtime
from solver import Plan

PlanSink: TypeAlias = Callable[[Plan, float], None]
"""Takes a plan and the seconds that it took to make."""

ErrorSink: TypeAlias = Callable[[BaseException], None]
"""Takes what a solver raised, which is always a bug."""


class Planner(Protocol):
    """Solves placement problems somewhere."""

    def start(self, solve: Solve, done: PlanSink, failed: ErrorSink) -> None:
        """Begin to solve; ``done`` or ``failed`` is called later, on the engine's thread."""
        ...


@dataclass(frozen=True)
class Outlets:
    """Where an engine reports to.

    Parameters
    ----------
    finish
        Takes each call that is closed.
    failed
        Takes what a solver raised.
    record
        Sees the events of a moment with the actions that they led to.
    """

    finish: Callable[[Finish], None]
    failed: ErrorSink
    record: Callable[[Sequence[Event], list[Action]], None]


class Engine:
    """One controller at work on one runtime."""

    def __init__(
        self,
        controller: Controller,
        runtime: Runtime,
        timer: Timer,
        planner: Planner,
        outlets: Outlets,
    ) -> None:
        self.controller = controller
        self._runtime = runtime
        self._timer = timer
        self._planner = planner
        self._outlets = outlets
        self._pending: deque[Sequence[Event]] = deque()
        self._delivering = False
        self._wake_number = 0

    def deliver(self, *events: Event) -> None:
        """Take in what happened in one moment; what comes meanwhile is worked on after it."""
        if self._delivering:
            self._pending.append(events)
            return
        self._delivering = True
        try:
            self._step(events)
            while self._pending:
                self._step(self._pending.popleft())
        finally:
            self._delivering = False

    def _step(self, events: Sequence[Event]) -> None:
        actions = self.controller.step(*events)
        self._outlets.record(events, actions)
        for action in actions:
            match action:
                case Finish():
                    self._outlets.finish(action)
                case Solve():
                    self._planner.start(action, self._planned, self._outlets.failed)
                case WakeAt():
                    self._wake(action.at_s)
                case _:
                    self._runtime.submit(action)

    def _planned(self, plan: Plan, solve_s: float) -> None:
        self.deliver(PlanReady(self._timer.now_s(), plan, solve_s))

    def _wake(self, at_s: float) -> None:
        """Keep the last wake-up only; the controller asks again when it comes."""
        self._wake_number += 1
        number = self._wake_number
        self._timer.at(at_s, lambda: self._tick(number))

    def _tick(self, number: int) -> None:
        if number == self._wake_number:
            self.deliver(Tick(self._timer.now_s()))
