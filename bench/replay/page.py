"""Prints the tables of docs/replay.md: ``python -m bench.replay.page FOLDER...``, one for each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from bench.replay.summary import PUBLISHED, Estimate, Setup, Summary

RIVAL: Final = "instainfer"
OURS: Final = "headstart"

Figure = Callable[[Summary, Setup], Estimate | None]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the results: how its figure is taken, scaled and rounded."""

    title: str
    figure: Figure
    digits: int = 2
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Target:
    """What Headstart shall reach; ``least`` or else at most."""

    title: str
    figure: Figure
    limit: float
    least: bool
    digits: int = 2


def _value(metric: str, group: str = "") -> Figure:
    return lambda summary, setup: summary.estimate(setup, metric, group)


def _ratio(metric: str, group: str = "", preload: str = RIVAL, starts: str | None = None) -> Figure:
    return lambda summary, setup: summary.ratio(setup, setup.other(preload, starts), metric, group)


def _cut(summary: Summary, setup: Setup) -> Estimate | None:
    left = summary.ratio(setup, setup.other("none"), "loading_s", "mean")
    return None if left is None else Estimate(1 - left.mean, left.half_width)


COLUMNS: Final = (
    Column("mean, s", _value("e2e_s", "mean")),
    Column("p50", _value("e2e_s", "p50")),
    Column("p99", _value("e2e_s", "p99")),
    Column("cold %", _value("start_kind", "cold"), 1, 100),
    Column("resident %", _value("hit_rate", "all"), 0, 100),
    Column("hot", _value("hit_rate", "hot"), 0, 100),
    Column("medium", _value("hit_rate", "medium"), 0, 100),
    Column("rare", _value("hit_rate", "rare"), 0, 100),
    Column("loads an hour", _value("loads_per_h"), 0),
    Column("mean / instainfer", _ratio("e2e_s", "mean")),
    Column("p99 / instainfer", _ratio("e2e_s", "p99")),
    Column("mean / private instainfer", _ratio("e2e_s", "mean", starts=PUBLISHED)),
    Column("loading cut %", _cut, 0, 100),
    Column("GiB-s / none", _ratio("memory_gib_s", preload="none"), 3),
    Column("of clairvoyant gain", lambda summary, setup: summary.gain(setup)),
)

TARGETS: Final = (
    Target("mean, of instainfer's <= 0.6", _ratio("e2e_s", "mean"), 0.6, least=False),
    Target(
        "mean, of private instainfer's <= 0.6",
        _ratio("e2e_s", "mean", starts=PUBLISHED),
        0.6,
        least=False,
    ),
    Target("p99, of instainfer's <= 0.8", _ratio("e2e_s", "p99"), 0.8, least=False),
    Target(
        "p99, of private instainfer's <= 0.8",
        _ratio("e2e_s", "p99", starts=PUBLISHED),
        0.8,
        least=False,
    ),
    Target("resident, hot >= 0.85", _value("hit_rate", "hot"), 0.85, least=True),
    Target("resident, medium >= 0.55", _value("hit_rate", "medium"), 0.55, least=True),
    Target(
        "memory, of the policy's own <= 1.01",
        _ratio("memory_gib_s", preload="none"),
        1.01,
        least=False,
        digits=3,
    ),
    Target("of the clairvoyant gain >= 0.85", lambda s, one: s.gain(one), 0.85, least=True),
)


def results(summary: Summary) -> str:
    """Write all set-ups as one Markdown table."""
    titles = ["GiB", "policy", "starts", "pre-load", "seeds", *(one.title for one in COLUMNS)]
    lines = [_line(titles), _line(["---"] * len(titles))]
    for setup in summary.setups():
        names = [str(setup.memory_gib), setup.policy, setup.starts, setup.preload]
        cells = [_text(one.figure(summary, setup), one.digits, one.scale) for one in COLUMNS]
        lines.append(_line([*names, summary.seeds(setup), *cells]))
    return "\n".join(lines)


def targets(summary: Summary) -> str:
    """Write what Headstart reaches in each set-up."""
    setups = [one for one in summary.setups() if one.preload == OURS]
    titles = [f"{one.policy}, {one.memory_gib} GiB, {one.starts}" for one in setups]
    lines = [_line(["target", *titles]), _line(["---"] * (1 + len(setups)))]
    lines += [
        _line([target.title, *(_judged(summary, one, target) for one in setups)])
        for target in TARGETS
    ]
    return "\n".join(lines)


def _judged(summary: Summary, setup: Setup, target: Target) -> str:
    found = target.figure(summary, setup)
    if found is None:
        return ""
    met = found.mean >= target.limit if target.least else found.mean <= target.limit
    return f"{found.text(target.digits)}, {'reached' if met else 'missed'}"


def _text(estimate: Estimate | None, digits: int, scale: float) -> str:
    return "" if estimate is None else estimate.text(digits, scale)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main(
    folders: Annotated[list[Path], typer.Argument(help="What replays were written to.")],
) -> None:
    """Print the results and targets of replays."""
    for folder in folders:
        summary = Summary.read(folder / "runs")
        typer.echo(f"{folder.name}\n\n{results(summary)}\n\n{targets(summary)}\n")


if __name__ == "__main__":
    typer.run(main)
