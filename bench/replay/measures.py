"""From what a replay wrote down to figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.replay.record import KINDS, Recorder
from bench.replay.workload import Workload
from executor.domain import StartKind

QUANTILES: Final = (0.5, 0.95, 0.99)
CURVE: Final = tuple(np.round(np.linspace(0.0, 1.0, 201), 3).tolist())
"""Levels of the latency curve that is kept of each run."""
MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; ``group`` says of which calls, or where on a curve, and is empty for all."""

    metric: str
    group: str
    value: float


def measure(workload: Workload, recorder: Recorder) -> list[Row]:
    """Return all figures of a run.

    Latencies are of calls that were answered: ``e2e`` from arrival to answer, ``wait`` until an
    instance has the call, ``loading`` from there to the start of inference.
    """
    return [*_latencies(recorder), *_kinds(workload, recorder), *_costs(workload, recorder)]


def _latencies(recorder: Recorder) -> Iterator[Row]:
    served = recorder.kind >= 0
    loading_s, wait_s = recorder.loading_s[served], recorder.wait_s[served]
    e2e_s = wait_s + loading_s + recorder.run_s[served]
    for name, values in (("e2e_s", e2e_s), ("loading_s", loading_s), ("wait_s", wait_s)):
        if len(values) == 0:
            continue
        yield Row(name, "mean", float(values.mean()))
        for level in QUANTILES:
            yield Row(name, f"p{round(level * 100)}", float(np.quantile(values, level)))
    if len(e2e_s):
        for level, value in zip(CURVE, np.quantile(e2e_s, CURVE).tolist(), strict=True):
            yield Row("e2e_curve_s", str(level), value)


def _kinds(workload: Workload, recorder: Recorder) -> Iterator[Row]:
    yield Row("calls", "", float(len(recorder.kind)))
    yield Row("unanswered", "", float(np.sum(recorder.kind < 0)))
    for number, kind in enumerate(KINDS):
        yield Row("start_kind", kind.value, _share(recorder.kind == number))
    resident = np.isin(recorder.kind, [KINDS.index(StartKind.HOST), KINDS.index(StartKind.GPU)])
    yield Row("hit_rate", "all", _share(resident))
    for classes in (workload.popularity, workload.regularity):
        of_call = np.array(classes)[workload.arrivals.functions]
        for name in sorted(set(classes)):
            if np.any(of_call == name):
                yield Row("hit_rate", name, _share(resident[of_call == name]))


def _costs(workload: Workload, recorder: Recorder) -> Iterator[Row]:
    at_s = workload.arrivals.at_s
    hours = float(at_s[-1] - at_s[0]) / 3600 if len(at_s) > 1 else 1.0
    yield Row("memory_gib_s", "", recorder.gib_s)
    yield Row("loads_per_h", "", recorder.loads / hours)
    yield Row("offloads_per_h", "", recorder.offloads / hours)
    yield Row("load_cpu_s", "ahead", recorder.preload_cpu_s)
    yield Row("load_cpu_s", "on_call", recorder.on_call_cpu_s)
    yield Row("plans", "", float(recorder.plans))
    yield Row("solve_s", "", recorder.solve_s)
    if len(at_s):
        minutes = np.arange(at_s[0], at_s[-1], MINUTE_S)
        for minute, gib in enumerate(recorder.memory_gib(minutes).tolist()):
            yield Row("memory_gib", str(minute), gib)


def _share(which: NDArray[np.bool_]) -> float:
    return float(np.mean(which)) if len(which) else 0.0
