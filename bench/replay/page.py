"""Prints the tables of docs/replay.md: ``python -m bench.replay.page FOLDER...``, one for each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from bench.replay.summary import (
    PUBLISHED,
    Column,
    Figure,
    Setup,
    Summary,
    loading_cut,
    ratio,
    table,
    value,
)

OURS: Final = "headstart"


@dataclass(frozen=True, slots=True)
class Target:
    """What Headstart shall reach; ``least`` or else at most."""

    title: str
    figure: Figure
    limit: float
    least: bool
    digits: int = 2


COLUMNS: Final = (
    Column("mean, s", value("e2e_s", "mean")),
    Column("p50", value("e2e_s", "p50")),
    Column("p99", value("e2e_s", "p99")),
    Column("cold %", value("start_kind", "cold"), 1, 100),
    Column("resident %", value("hit_rate", "all"), 0, 100),
    Column("hot", value("hit_rate", "hot"), 0, 100),
    Column("medium", value("hit_rate", "medium"), 0, 100),
    Column("rare", value("hit_rate", "rare"), 0, 100),
    Column("loads an hour", value("loads_per_h"), 0),
    Column("mean / instainfer", ratio("e2e_s", "mean")),
    Column("p99 / instainfer", ratio("e2e_s", "p99")),
    Column("mean / private instainfer", ratio("e2e_s", "mean", starts=PUBLISHED)),
    Column("loading cut %", loading_cut, 0, 100),
    Column("GiB-s / none", ratio("memory_gib_s", preload="none"), 3),
    Column("of clairvoyant gain", lambda summary, setup: summary.gain(setup)),
)

TARGETS: Final = (
    Target("mean, of instainfer's <= 0.6", ratio("e2e_s", "mean"), 0.6, least=False),
    Target(
        "mean, of private instainfer's <= 0.6",
        ratio("e2e_s", "mean", starts=PUBLISHED),
        0.6,
        least=False,
    ),
    Target("p99, of instainfer's <= 0.8", ratio("e2e_s", "p99"), 0.8, least=False),
    Target(
        "p99, of private instainfer's <= 0.8",
        ratio("e2e_s", "p99", starts=PUBLISHED),
        0.8,
        least=False,
    ),
    Target("resident, hot >= 0.85", value("hit_rate", "hot"), 0.85, least=True),
    Target("resident, medium >= 0.55", value("hit_rate", "medium"), 0.55, least=True),
    Target(
        "memory, of the policy's own <= 1.01",
        ratio("memory_gib_s", preload="none"),
        1.01,
        least=False,
        digits=3,
    ),
    Target("of the clairvoyant gain >= 0.85", lambda s, one: s.gain(one), 0.85, least=True),
)


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


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main(
    folders: Annotated[list[Path], typer.Argument(help="What replays were written to.")],
) -> None:
    """Print the results and targets of replays."""
    for folder in folders:
        summary = Summary.read(folder / "runs")
        if not summary.setups():
            raise typer.BadParameter(f"{folder} has no runs; expected one that a replay wrote to")
        typer.echo(f"{folder.name}\n\n{table(summary, COLUMNS)}\n\n{targets(summary)}\n")


if __name__ == "__main__":
    typer.run(main)
