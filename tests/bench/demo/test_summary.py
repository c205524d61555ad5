import pytest

from bench.demo.client import Outcome
from bench.demo.memory import MemoryUse
from bench.demo.summary import Spread, removed_ratio, summarise

MEMORY = MemoryUse(5, 1.0)


def outcome(kind: str, latency_s: float, loading_s: float, status: int = 200) -> Outcome:
    return Outcome("f", 0.0, latency_s, status, kind, "i1", 0.0, loading_s, latency_s - loading_s)


def test_failed_calls_count_but_do_not_enter_latencies() -> None:
    summary = summarise("x", [outcome("host", 1.0, 0.0), outcome("", 9.0, 0.0, status=500)], MEMORY)
    assert (summary.calls, summary.failures) == (2, 1)
    assert summary.latency == Spread(1.0, 1.0, 1.0, 1.0)


def test_hits_are_the_calls_that_found_their_model_loaded() -> None:
    kinds = ("host", "gpu", "warm", "cold")
    summary = summarise("x", [outcome(kind, 1.0, 0.5) for kind in kinds], MEMORY)
    assert summary.resident_hit_ratio == 0.5
    assert dict(summary.start_kinds) == dict.fromkeys(kinds, 1)


def test_the_share_removed_compares_mean_loading() -> None:
    without = summarise("x", [outcome("warm", 2.0, 1.0), outcome("warm", 2.0, 3.0)], MEMORY)
    with_preloading = summarise("y", [outcome("host", 1.0, 0.0), outcome("warm", 2.0, 0.4)], MEMORY)
    assert removed_ratio(without, with_preloading) == pytest.approx(0.9)
    assert removed_ratio(summarise("z", [], MEMORY), without) == 0.0
