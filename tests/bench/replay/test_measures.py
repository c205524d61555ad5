"""Figures of a run."""

import numpy as np
import pytest

from bench.replay.measures import CURVE, measure
from bench.replay.record import KINDS, Recorder
from bench.replay.workload import Workload
from bench.traces.spread import Arrivals
from executor.domain import StartKind

CALLS = 101


def workload(hours: float = 2.0) -> Workload:
    """The first function is called a hundred times, the second once."""
    functions = np.array([*[0] * (CALLS - 1), 1])
    at_s = np.linspace(0.0, 3600.0 * hours, CALLS)
    return Workload(
        (), {}, Arrivals(functions, at_s), np.ones(CALLS), ("hot", "rare"), ("normal", "unknown")
    )


def recorded(kinds: list[StartKind | None]) -> Recorder:
    """Calls of these kinds, in turn, each waiting longer than the one before; None: no answer."""
    recorder = Recorder(CALLS)
    numbers = [-1 if kind is None else KINDS.index(kind) for kind in kinds]
    recorder.kind[:] = np.resize(numbers, CALLS)
    recorder.wait_s[:] = np.arange(CALLS)
    recorder.loading_s[:] = 0.5
    recorder.run_s[:] = 2.0
    return recorder


def figures(recorder: Recorder, work: Workload | None = None) -> dict[tuple[str, str], float]:
    rows = measure(work or workload(), recorder)
    assert len({(row.metric, row.group) for row in rows}) == len(rows)
    return {(row.metric, row.group): row.value for row in rows}


def test_latency_is_waiting_loading_and_running() -> None:
    found = figures(recorded([StartKind.HOST]))
    assert found["e2e_s", "mean"] == pytest.approx(52.5)
    for level in (50, 95, 99):
        assert found["e2e_s", f"p{level}"] == pytest.approx(level + 2.5)
        assert found["wait_s", f"p{level}"] == pytest.approx(level)
        assert found["loading_s", f"p{level}"] == 0.5
    curve = [found["e2e_curve_s", str(level)] for level in CURVE]
    assert (curve[0], curve[-1]) == (2.5, 102.5)
    assert curve == sorted(curve)


def test_start_kinds_are_shares_of_all_calls_and_resident_is_in_memory_or_on_a_gpu() -> None:
    kinds = [StartKind.HOST, StartKind.GPU, StartKind.COLD, None]
    found = figures(recorded(kinds))
    shares = {kind.value: found["start_kind", kind.value] for kind in StartKind}
    each = {"host": 26, "gpu": 25, "cold": 25, "warm": 0, "library": 0}
    assert shares == pytest.approx({kind: count / CALLS for kind, count in each.items()})
    assert found["unanswered", ""] == 25
    assert found["calls", ""] == CALLS
    assert found["hit_rate", "all"] == pytest.approx(51 / CALLS)
    assert found["hit_rate", "hot"] == pytest.approx(50 / 100)
    assert found["hit_rate", "rare"] == found["hit_rate", "unknown"] == 1.0
    assert ("hit_rate", "medium") not in found


def test_costs_are_by_the_hour_or_in_all() -> None:
    recorder = recorded([StartKind.WARM])
    recorder.loads, recorder.offloads, recorder.gib_s = 60, 40, 7.0
    recorder.preload_cpu_s, recorder.on_call_cpu_s = 3.0, 4.0
    found = figures(recorder)
    assert (found["loads_per_h", ""], found["offloads_per_h", ""]) == (30.0, 20.0)
    assert found["memory_gib_s", ""] == 7.0
    assert (found["load_cpu_s", "ahead"], found["load_cpu_s", "on_call"]) == (3.0, 4.0)
    assert sum(metric == "memory_gib" for metric, _ in found) == 120


def test_without_an_answer_there_is_no_latency() -> None:
    found = figures(recorded([None]))
    assert ("e2e_s", "mean") not in found
    assert found["unanswered", ""] == CALLS
    assert found["hit_rate", "all"] == 0.0
