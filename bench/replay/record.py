"""What happens in a replay, written down while it runs."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from executor import events as ev
from executor.actions import Action, Finish, Load, Offload, Run, Served, StartInstance
from executor.domain import StartKind
from executor.units import GIB

KINDS: Final = tuple(StartKind)
_TELLING: Final = {ev.Loaded, ev.LoadFailed, ev.Started, ev.InstanceGone, ev.PlanReady}
_ORDERS: Final = {Load, Offload, Run, StartInstance}
"""What is looked at; the rest, most of all that happens, says nothing here."""
_NUMBER: Final = {kind: number for number, kind in enumerate(KINDS)}


class Recorder:
    """Takes down every call's end, the memory of instances, and the loads.

    Parameters
    ----------
    n_calls
        Calls in all; they are named by their number.
    """

    def __init__(self, n_calls: int) -> None:
        self.kind: NDArray[np.int8] = np.full(n_calls, -1, np.int8)
        self.ends: NDArray[np.int8] = np.zeros(n_calls, np.int8)
        self.wait_s = np.zeros(n_calls)
        self.loading_s = np.zeros(n_calls)
        self.run_s = np.zeros(n_calls)
        self.loads = 0
        self.offloads = 0
        self.plans = 0
        self.solve_s = 0.0
        self.preload_cpu_s = 0.0
        self.on_call_cpu_s = 0.0
        self.steps: list[tuple[float, int]] = []
        self.lives: dict[str, tuple[float, int]] = {}
        self.gib_s = 0.0
        self._loading: dict[tuple[str, str], float] = {}
        self._joined: set[str] = set()

    def finish(self, finish: Finish) -> None:
        """Take down how a call ended."""
        number = int(finish.invocation_id)
        self.ends[number] += 1
        if isinstance(finish.outcome, Served):
            timings = finish.outcome.timings
            self.kind[number] = _NUMBER[finish.outcome.start_kind]
            self.wait_s[number] = timings.wait_s
            self.loading_s[number] = timings.loading_s
            self.run_s[number] = timings.run_s

    def moment(self, events: Sequence[ev.Event], actions: Sequence[Action]) -> None:
        """Take down what the events of a moment say and what they led to."""
        for event in events:
            if type(event) in _TELLING:
                self._happened(event)
        for action in actions:
            if type(action) in _ORDERS:
                self._ordered(action, events[-1].at_s)

    def _happened(self, event: ev.Event) -> None:
        match event:
            case ev.Loaded():
                self.loads += 1
                self._load_ended(event)
            case ev.Started():
                if event.report is not None:
                    self._loaded_on_call(event.invocation_id, event.report)
            case ev.LoadFailed():
                self._load_ended(event)
            case ev.InstanceGone():
                self._gone(event.instance_id, event.at_s)
            case ev.PlanReady():
                self.plans += 1
                self.solve_s += event.solve_s
            case _:
                pass

    def close(self, end_s: float) -> None:
        """Count what is still there until the end."""
        for instance_id in list(self.lives):
            self._gone(instance_id, end_s)

    def memory_gib(self, at_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the limits of all instances together at some times."""
        steps = sorted(self.steps)
        when = np.array([step[0] for step in steps])
        held = np.cumsum([0.0, *(step[1] for step in steps)]) / GIB
        return np.asarray(held[np.searchsorted(when, at_s, side="right")])

    def _ordered(self, action: Action, at_s: float) -> None:
        match action:
            case Load():
                self._loading[action.instance_id, action.function] = at_s
            case Offload():
                self.offloads += 1
            case Run() if (action.instance_id, action.function) in self._loading:
                self._joined.add(action.invocation_id)
            case StartInstance():
                if action.reuses is not None:
                    self._gone(action.reuses, at_s)
                self.lives[action.instance_id] = (at_s, action.limit_bytes)
                self.steps.append((at_s, action.limit_bytes))
            case _:
                pass

    def _loaded_on_call(self, call: str, report: ev.LoadReport) -> None:
        """Count a load that nothing but the call had asked for."""
        if call not in self._joined:
            self.on_call_cpu_s += report.import_s + report.load_s + report.move_s

    def _load_ended(self, event: ev.Loaded | ev.LoadFailed) -> None:
        begun_s = self._loading.pop((event.instance_id, event.function), event.at_s)
        self.preload_cpu_s += event.at_s - begun_s

    def _gone(self, instance_id: str, at_s: float) -> None:
        begun_s, limit_bytes = self.lives.pop(instance_id, (at_s, 0))
        self.gib_s += (at_s - begun_s) * limit_bytes / GIB
        self.steps.append((at_s, -limit_bytes))
