"""What a run amounts to: latencies, loading, start kinds, hits."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.demo.client import Outcome
from bench.demo.memory import MemoryUse

RESIDENT_KINDS = ("host", "gpu")


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and percentiles of some seconds."""

    mean_s: float
    p50_s: float
    p95_s: float
    p99_s: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        """Summarise; all zero when there are none."""
        if not seconds:
            return cls(0.0, 0.0, 0.0, 0.0)
        p50, p95, p99 = np.percentile(seconds, [50, 95, 99])
        return cls(float(np.mean(seconds)), float(p50), float(p95), float(p99))


@dataclass(frozen=True, slots=True)
class Summary:
    """One run; latencies are of answered calls only."""

    name: str
    calls: int
    failures: int
    latency: Spread
    loading: Spread
    start_kinds: Mapping[str, int]
    peak_memory_bytes: int
    held_gib_s: float

    @property
    def resident_hit_ratio(self) -> float:
        """Share of answered calls that found their model loaded."""
        answered = sum(self.start_kinds.values())
        hits = sum(self.start_kinds.get(kind, 0) for kind in RESIDENT_KINDS)
        return hits / answered if answered else 0.0


def summarise(name: str, outcomes: Sequence[Outcome], memory: MemoryUse) -> Summary:
    """Summarise the calls of a run."""
    answered = [one for one in outcomes if one.status == 200]
    return Summary(
        name=name,
        calls=len(outcomes),
        failures=len(outcomes) - len(answered),
        latency=Spread.of([one.latency_s for one in answered]),
        loading=Spread.of([one.loading_s for one in answered]),
        start_kinds=dict(Counter(one.start_kind for one in answered)),
        peak_memory_bytes=memory.peak_bytes,
        held_gib_s=memory.held_gib_s,
    )


def removed_ratio(without: Summary, with_preloading: Summary) -> float:
    """Share of the mean loading latency that pre-loading removes."""
    if without.loading.mean_s == 0:
        return 0.0
    return 1 - with_preloading.loading.mean_s / without.loading.mean_s


def latencies_s(runs: Iterable[tuple[Summary, Sequence[Outcome]]]) -> dict[str, list[float]]:
    """Return the latencies of the answered calls by the name of the run."""
    return {
        summary.name: [one.latency_s for one in outcomes if one.status == 200]
        for summary, outcomes in runs
    }
