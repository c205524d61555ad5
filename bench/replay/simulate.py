"""One replay: a workload, a policy and a way to pre-load, on the simulated clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from bench.replay.methods import POLICIES, PRELOADS
from bench.replay.profiles import ProfileFile
from bench.replay.record import Recorder
from bench.replay.workload import Workload
from executor import events as ev
from executor.actions import Action
from executor.controller import Controller, Settings
from executor.domain import Invocation, Worker
from executor.drivers.engine import Engine, Outlets
from executor.drivers.sim import ChargedPlanner, EventHeap
from executor.runtimes.sim import SimRuntime
from executor.serving import ServeSettings
from executor.units import GIB
from solver import Problem

TIMEOUT_S: Final = 60.0
QUEUE_LIMIT: Final = 1000
PROGRESS_CALLS: Final = 1000
DRAIN_S: Final = TIMEOUT_S + 60.0
"""Time after the last call within which every call has ended."""

SOLVE_BASE_S: Final = 0.002
SOLVE_S_PER_PAIR: Final = 0.5e-6
"""What a solve is charged: measured on the problems of replays (docs/replay.md), rounded up."""

Watch: TypeAlias = Callable[[Sequence[ev.Event], list[Action]], None]


@dataclass(frozen=True, slots=True)
class Gpus:
    """The GPUs of the worker, all of one size."""

    count: int = 0
    memory_gib: int = 0

    def __str__(self) -> str:
        return f"{self.count}x{self.memory_gib}GiB" if self.count else "none"

    @property
    def sizes_bytes(self) -> dict[str, int]:
        """Bytes of each, by name."""
        return {f"gpu{number}": self.memory_gib * GIB for number in range(self.count)}


NO_GPUS: Final = Gpus()


@dataclass(frozen=True, slots=True)
class Case:
    """What is replayed, apart from the workload."""

    policy: str
    preload: str
    memory_bytes: int
    seed: int
    warm_keeps_model: bool = True
    gpus: Gpus = NO_GPUS


class Replay:
    """A controller at work on a workload; ``recorder`` has what came of it.

    ``watch`` may be set to see the events of each moment with the actions that they led to.

    Parameters
    ----------
    workload
        Functions and calls.
    costs
        What starts of the workload's models take.
    case
        What to do with them.
    progress
        Called now and then with the number of calls that have arrived.
    """

    def __init__(
        self,
        workload: Workload,
        costs: ProfileFile,
        case: Case,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.recorder = Recorder(len(workload.arrivals.at_s))
        self.watch: Watch | None = None
        self._progress = progress
        self._functions = [one.name for one in workload.functions]
        self._function = workload.arrivals.functions.tolist()
        self._at_s = workload.arrivals.at_s.tolist()
        self._timer = EventHeap(self._at_s[0] if self._at_s else 0.0)
        preload = PRELOADS[case.preload](workload, lambda: self.controller.state)
        self.controller = Controller(
            workload.functions,
            [Worker("w", case.memory_bytes, case.gpus.sizes_bytes)],
            POLICIES[case.policy](np.random.default_rng(case.seed)),
            preload.predictor,
            Settings(
                ServeSettings(QUEUE_LIMIT, case.warm_keeps_model), preload.plan, costs.start_s
            ),
        )
        run_s = workload.run_s.tolist()
        simulated = costs.simulated(workload.models, lambda call, _: float(run_s[int(call)]))
        self._engine = Engine(
            self.controller,
            SimRuntime(self._timer, simulated, lambda events: self._engine.deliver(*events)),
            self._timer,
            ChargedPlanner(self._timer, preload.solver, charge_s),
            Outlets(self.recorder.finish, _raise, self._record),
        )

    def run(self) -> Recorder:
        """Play all calls and wait for the last to end."""
        if self._at_s:
            self._timer.at(self._at_s[0], lambda: self._arrive(0))
            self._timer.run(self._at_s[-1])
            self.recorder.close(self._at_s[-1])
            self._timer.run(self._at_s[-1] + DRAIN_S)
        return self.recorder

    def _record(self, events: Sequence[ev.Event], actions: list[Action]) -> None:
        self.recorder.moment(events, actions)
        if self.watch is not None:
            self.watch(events, actions)

    def _arrive(self, number: int) -> None:
        at_s = self._at_s[number]
        name = self._functions[self._function[number]]
        if number + 1 < len(self._at_s):
            self._timer.at(self._at_s[number + 1], lambda: self._arrive(number + 1))
        self._engine.deliver(
            ev.Arrived(at_s, Invocation(str(number), name, at_s, at_s + TIMEOUT_S))
        )
        if number % PROGRESS_CALLS == PROGRESS_CALLS - 1:
            self._progress(number + 1)


def charge_s(problem: Problem) -> float:
    """Return the simulated seconds that a solve takes."""
    modes = np.bincount(problem.function_owner[problem.mode_function], minlength=problem.n_owners)
    instances = np.bincount(problem.instance_owner, minlength=problem.n_owners)
    return SOLVE_BASE_S + SOLVE_S_PER_PAIR * float(modes @ instances)


def _raise(error: BaseException) -> None:
    raise error
