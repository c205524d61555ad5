"""All runs of a folder together: means over seeds with their confidence, and tables."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from bench.replay.methods import POLICIES, PRELOADS
from bench.replay.runs import RunKey, read_rows

T_95: Final = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)
"""Student's t for a two-sided 95 % interval with 1 to 9 degrees of freedom."""
T_LIMIT: Final = 1.96

PUBLISHED: Final = "private"
"""How the compared systems start functions."""

Figures: TypeAlias = Mapping[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Setup:
    """What runs of several seeds have in common."""

    memory_gib: int
    policy: str
    preload: str
    starts: str

    def other(self, preload: str, starts: str | None = None) -> "Setup":
        """Return the set-up that differs in the way to pre-load only, or in that and its starts."""
        return replace(self, preload=preload, starts=starts or self.starts)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Mean over seeds and half the width of its 95 % interval, 0 with a single seed."""

    mean: float
    half_width: float

    def text(self, digits: int, scale: float = 1.0) -> str:
        """Write it as in a table."""
        mean = f"{self.mean * scale:.{digits}f}"
        return f"{mean} ± {self.half_width * scale:.{digits}f}" if self.half_width > 0 else mean


class Summary:
    """Figures of all runs in a folder, by set-up and seed."""

    def __init__(self, runs: Mapping[RunKey, Figures]) -> None:
        self._runs = runs

    @classmethod
    def read(cls, folder: Path) -> "Summary":
        """Read every run of a folder."""
        runs = {}
        for file in sorted(folder.glob("*-seed*.csv")):
            key = RunKey.of_file(file.name)
            runs[key] = {(row.metric, row.group): row.value for row in read_rows(file)}
        return cls(runs)

    def setups(self) -> list[Setup]:
        """Return all set-ups, in the order of the methods' tables."""
        policies, preloads = list(POLICIES), list(PRELOADS)
        return sorted(
            {_setup(key) for key in self._runs},
            key=lambda one: (
                one.memory_gib,
                policies.index(one.policy),
                one.starts,
                preloads.index(one.preload),
            ),
        )

    def estimate(self, setup: Setup, metric: str, group: str = "") -> Estimate | None:
        """Return a figure over the seeds; None where no run has it."""
        values = [run[metric, group] for run in self._of(setup).values() if (metric, group) in run]
        return _estimate(values)

    def ratio(self, setup: Setup, other: Setup, metric: str, group: str = "") -> Estimate | None:
        """Return a figure over that of another set-up, seed by seed."""
        mine, theirs = self._of(setup), self._of(other)
        return _estimate(
            [
                mine[seed][metric, group] / theirs[seed][metric, group]
                for seed in mine
                if seed in theirs and theirs[seed].get((metric, group))
            ]
        )

    def gain(self, setup: Setup) -> Estimate | None:
        """Return the part of the clairvoyant's gain in mean latency over no pre-loading."""
        floor, ceiling = self._of(setup.other("none")), self._of(setup.other("clairvoyant"))
        gains = []
        for seed, mine in self._of(setup).items():
            if seed in floor and seed in ceiling:
                without, best = floor[seed]["e2e_s", "mean"], ceiling[seed]["e2e_s", "mean"]
                gains.append((without - mine["e2e_s", "mean"]) / (without - best))
        return _estimate(gains)

    def seeds(self, setup: Setup) -> str:
        """Name the seeds of a set-up."""
        return _ranges(sorted(self._of(setup)))

    def curve(self, setup: Setup, metric: str) -> dict[float, float]:
        """Return a curve's mean over the seeds, by position."""
        runs = list(self._of(setup).values())
        places = [group for name, group in runs[0] if name == metric]
        return {
            float(place): float(
                np.mean([run[metric, place] for run in runs if (metric, place) in run])
            )
            for place in places
        }

    def _of(self, setup: Setup) -> dict[int, Figures]:
        return {key.seed: run for key, run in self._runs.items() if _setup(key) == setup}


COLUMNS: Final = (
    ("e2e mean, s", "e2e_s", "mean", 3),
    ("p50", "e2e_s", "p50", 3),
    ("p95", "e2e_s", "p95", 3),
    ("p99", "e2e_s", "p99", 3),
    ("loading mean, s", "loading_s", "mean", 3),
    ("cold", "start_kind", "cold", 3),
    ("hit", "hit_rate", "all", 3),
    ("hot", "hit_rate", "hot", 3),
    ("medium", "hit_rate", "medium", 3),
    ("rare", "hit_rate", "rare", 3),
    ("predictable", "hit_rate", "predictable", 3),
    ("normal", "hit_rate", "normal", 3),
    ("bursty", "hit_rate", "bursty", 3),
    ("loads an hour", "loads_per_h", "", 0),
    ("CPU s ahead", "load_cpu_s", "ahead", 0),
    ("CPU s on call", "load_cpu_s", "on_call", 0),
)


def table(summary: Summary) -> str:
    """Write all set-ups as one Markdown table."""
    titles = [
        "GiB",
        "policy",
        "pre-load",
        "starts",
        "seeds",
        *(title for title, *_ in COLUMNS),
        "e2e / instainfer",
        "p99 / instainfer",
        "e2e / private instainfer",
        "p99 / private instainfer",
        "loading cut",
        "GiB-s / none",
        "of clairvoyant gain",
    ]
    lines = [_line(titles), _line(["---"] * len(titles))]
    for setup in summary.setups():
        cells = [
            _text(summary.estimate(setup, metric, group), digits)
            for _, metric, group, digits in COLUMNS
        ]
        rival, published = setup.other("instainfer"), setup.other("instainfer", PUBLISHED)
        loading = summary.ratio(setup, setup.other("none"), "loading_s", "mean")
        cut = None if loading is None else Estimate(1 - loading.mean, loading.half_width)
        cells += [
            _text(summary.ratio(setup, rival, "e2e_s", "mean"), 2),
            _text(summary.ratio(setup, rival, "e2e_s", "p99"), 2),
            _text(summary.ratio(setup, published, "e2e_s", "mean"), 2),
            _text(summary.ratio(setup, published, "e2e_s", "p99"), 2),
            _text(cut, 2),
            _text(summary.ratio(setup, setup.other("none"), "memory_gib_s"), 4),
            _text(summary.gain(setup), 2),
        ]
        names = (str(setup.memory_gib), setup.policy, setup.preload, setup.starts)
        lines.append(_line([*names, summary.seeds(setup), *cells]))
    return "\n".join(lines) + "\n"


def _setup(key: RunKey) -> Setup:
    return Setup(key.memory_gib, key.policy, key.preload, key.starts)


def _estimate(values: list[float]) -> Estimate | None:
    if not values:
        return None
    freedom = len(values) - 1
    if freedom == 0:
        return Estimate(values[0], 0.0)
    t = T_95[freedom - 1] if freedom <= len(T_95) else T_LIMIT
    return Estimate(
        float(np.mean(values)), float(t * np.std(values, ddof=1) / np.sqrt(len(values)))
    )


def _text(estimate: Estimate | None, digits: int) -> str:
    return "" if estimate is None else estimate.text(digits)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ranges(numbers: list[int]) -> str:
    """Write ascending numbers as ranges."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{one[0]}-{one[-1]}" if len(one) > 1 else str(one[0]) for one in parts)
