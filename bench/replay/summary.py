"""All runs of a folder together: means over seeds with their confidence, and tables."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from bench.replay.methods import POLICIES, PRELOADS
from bench.replay.runs import RunKey, read_rows
from executor.domain import StartKind

T_95: Final = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)
"""Student's t for a two-sided 95 % interval with 1 to 9 degrees of freedom; with more the last is
a little too wide."""

PUBLISHED: Final = "private"
"""How the compared systems start functions."""
RIVAL: Final = "instainfer"
CEILING: Final = "clairvoyant"

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
        pairs = self._by_seed([setup, other], metric, group)
        return _estimate([mine / theirs for mine, theirs in pairs if theirs])

    def gain(self, setup: Setup) -> Estimate | None:
        """Return the part of the clairvoyant's gain in mean latency over no pre-loading."""
        setups = [setup, setup.other("none"), setup.other(CEILING)]
        means = self._by_seed(setups, "e2e_s", "mean")
        return _estimate(
            [(floor - mine) / (floor - best) for mine, floor, best in means if floor != best]
        )

    def regret(self, setup: Setup) -> Estimate | None:
        """Return what the mean latency is above the clairvoyant's, in seconds."""
        means = self._by_seed([setup, setup.other(CEILING)], "e2e_s", "mean")
        return _estimate([mine - best for mine, best in means])

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

    def _by_seed(self, setups: list[Setup], metric: str, group: str) -> list[list[float]]:
        """Return a figure of several set-ups for each seed in which all of them have it."""
        runs = [self._of(one) for one in setups]
        seeds = set.intersection(*(set(of_seed) for of_seed in runs))
        rows = [[of_seed[seed].get((metric, group)) for of_seed in runs] for seed in sorted(seeds)]
        return [[one for one in row if one is not None] for row in rows if None not in row]

    def _of(self, setup: Setup) -> dict[int, Figures]:
        return {key.seed: run for key, run in self._runs.items() if _setup(key) == setup}


Figure: TypeAlias = Callable[[Summary, Setup], Estimate | None]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: how its figure is taken, rounded and scaled."""

    title: str
    figure: Figure
    digits: int = 2
    scale: float = 1.0

    def cell(self, summary: Summary, setup: Setup) -> str:
        """Write its figure of a set-up, nothing where there is none."""
        found = self.figure(summary, setup)
        return "" if found is None else found.text(self.digits, self.scale)


def value(metric: str, group: str = "") -> Figure:
    """Take a figure itself."""
    return lambda summary, setup: summary.estimate(setup, metric, group)


def ratio(metric: str, group: str = "", preload: str = RIVAL, starts: str | None = None) -> Figure:
    """Take a figure over that of another way to pre-load, and perhaps with other starts."""
    return lambda summary, setup: summary.ratio(setup, setup.other(preload, starts), metric, group)


def loading_cut(summary: Summary, setup: Setup) -> Estimate | None:
    """Take the part of the loading latency that pre-loading saves."""
    left = summary.ratio(setup, setup.other("none"), "loading_s", "mean")
    return None if left is None else Estimate(1 - left.mean, left.half_width)


def _latencies(name: str, metric: str) -> list[Column]:
    groups = ("mean", "p50", "p95", "p99")
    return [Column(f"{name} {group}, s", value(metric, group), 3) for group in groups]


def _hits(*classes: str) -> list[Column]:
    return [Column(one, value("hit_rate", one), 3) for one in classes]


SECTIONS: Final[Mapping[str, Sequence[Column]]] = {
    "Latency": (
        *_latencies("e2e", "e2e_s"),
        *_latencies("loading", "loading_s"),
        Column("e2e / instainfer", ratio("e2e_s", "mean")),
        Column("p99 / instainfer", ratio("e2e_s", "p99")),
        Column("e2e / private instainfer", ratio("e2e_s", "mean", starts=PUBLISHED)),
        Column("p99 / private instainfer", ratio("e2e_s", "p99", starts=PUBLISHED)),
        Column("loading cut", loading_cut),
        Column("regret, s", lambda summary, setup: summary.regret(setup), 3),
        Column("of clairvoyant gain", lambda summary, setup: summary.gain(setup)),
    ),
    "Starts": (
        *(Column(kind.value, value("start_kind", kind.value), 3) for kind in StartKind),
        Column("unanswered", value("unanswered"), 0),
        Column("resident", value("hit_rate", "all"), 3),
        *_hits("hot", "medium", "rare", "predictable", "normal", "bursty"),
    ),
    "Costs": (
        Column("GiB-s", value("memory_gib_s"), 0),
        Column("GiB-s / none", ratio("memory_gib_s", preload="none"), 4),
        Column("loads an hour", value("loads_per_h"), 0),
        Column("offloads an hour", value("offloads_per_h"), 0),
        Column("CPU s ahead", value("load_cpu_s", "ahead"), 0),
        Column("CPU s on call", value("load_cpu_s", "on_call"), 0),
    ),
}
"""The tables of a summary; ``resident`` is in memory or on a GPU, ``regret`` what a call takes
longer than with the clairvoyant."""


def tables(summary: Summary) -> str:
    """Write all set-ups in Markdown, a table for each section."""
    parts = [f"## {title}\n\n{table(summary, columns)}" for title, columns in SECTIONS.items()]
    return "\n".join(parts)


def table(summary: Summary, columns: Sequence[Column]) -> str:
    """Write a line for each set-up."""
    titles = ["GiB", "policy", "starts", "pre-load", "seeds", *(one.title for one in columns)]
    lines = [_line(titles), _line(["---"] * len(titles))]
    for setup in summary.setups():
        names = [str(setup.memory_gib), setup.policy, setup.starts, setup.preload]
        cells = [one.cell(summary, setup) for one in columns]
        lines.append(_line([*names, summary.seeds(setup), *cells]))
    return "\n".join(lines) + "\n"


def _setup(key: RunKey) -> Setup:
    return Setup(key.memory_gib, key.policy, key.preload, key.starts)


def _estimate(values: list[float]) -> Estimate | None:
    if not values:
        return None
    freedom = min(len(values) - 1, len(T_95))
    if freedom == 0:
        return Estimate(values[0], 0.0)
    t = T_95[freedom - 1]
    return Estimate(
        float(np.mean(values)), float(t * np.std(values, ddof=1) / np.sqrt(len(values)))
    )


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
