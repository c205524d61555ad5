"""Tables and pictures of live runs and their predictions."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.demo.client import Outcome
from bench.demo.summary import RESIDENT_KINDS, Spread
from bench.demo.table import KINDS
from bench.live.runs import SHARE, Cell, Ran
from bench.report import latency_cdf

LEAD_IN_RATIO = 1 / 3
"""Share of a run after which calls are also counted alone: it begins with no container at all."""

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Study:
    """All runs and what the replay predicted of each; ``length_s`` is how long one plays."""

    ran: Mapping[Cell, Ran]
    predicted: Mapping[Cell, Ran]
    length_s: float

    def setups(self) -> list[str]:
        """Name the set-ups."""
        return list(dict.fromkeys(cell.setup for cell in self.ran))

    def of(self, setup: str) -> list[Cell]:
        """Return the cells of a set-up."""
        return [cell for cell in self.ran if cell.setup == setup]

    def late(self, cell: Cell) -> list[Outcome]:
        """Return the answered calls after the lead-in."""
        from_s = self.length_s * LEAD_IN_RATIO
        return [one for one in answered(self.ran[cell]) if one.at_s >= from_s]

    def without(self, cell: Cell) -> Cell | None:
        """Return the run of the same policy without pre-loading, if there is one."""
        other = Cell(cell.setup, cell.policy, "none")
        return other if other in self.ran and other != cell else None


def answered(run: Ran) -> list[Outcome]:
    """Return the calls that were answered."""
    return [one for one in run.outcomes if one.status == 200]


def write_report(out: Path, study: Study, preface: str) -> None:
    """Write ``summary.md`` and a picture of each policy's latencies."""
    parts = [preface]
    for setup in study.setups():
        parts += [f"## {setup}", table(_LATENCY, _latency_rows(study, setup))]
    parts += ["## Beside the replay's prediction", table(_PREDICTION, _prediction_rows(study))]
    shared = list(_sharing_rows(study))
    if shared:
        parts += ["## Isolation: strict and share", table(_SHARING, shared)]
    (out / "summary.md").write_text("\n\n".join(parts) + "\n")
    draw(out, study)


def draw(out: Path, study: Study) -> None:
    """Draw the latencies of each set-up and policy."""
    for setup in study.setups():
        cells = study.of(setup)
        for policy in dict.fromkeys(cell.policy for cell in cells):
            runs = {
                cell.title: [one.latency_s for one in answered(study.ran[cell])]
                for cell in cells
                if cell.policy == policy
            }
            latency_cdf(out / f"{setup}-{policy}.png", runs, f"Set-up {setup}, policy {policy}")


def table(titles: Row, rows: Iterable[Row]) -> str:
    """Write a table in Markdown."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_LATENCY = (
    "policy",
    "pre-loading",
    "lost",
    "latency mean, ms",
    "p50",
    "p95",
    "p99",
    "loading mean, ms",
    "p95",
    "loading removed",
    "after the lead-in",
    " / ".join(KINDS[:-1]),
    "GiB s",
    "of that without",
)


def _latency_rows(study: Study, setup: str) -> Iterator[Row]:
    for cell in study.of(setup):
        run = study.ran[cell]
        calls = answered(run)
        latency = Spread.of([one.latency_s for one in calls])
        loading = Spread.of([one.loading_s for one in calls])
        kinds = Counter(one.start_kind for one in calls)
        other = study.without(cell)
        yield (
            cell.policy,
            cell.title,
            str(len(run.outcomes) - len(calls)),
            *map(_ms, (latency.mean_s, latency.p50_s, latency.p95_s, latency.p99_s)),
            *map(_ms, (loading.mean_s, loading.p95_s)),
            "" if other is None else _removed(calls, answered(study.ran[other])),
            "" if other is None else _removed(study.late(cell), study.late(other)),
            " / ".join(str(kinds[kind]) for kind in KINDS[:-1]),
            f"{run.held_gib_s:.0f}",
            "" if other is None else f"{run.held_gib_s / study.ran[other].held_gib_s:.3f}",
        )


_PREDICTION = (
    "set-up",
    "policy",
    "pre-loading",
    "latency live, ms",
    "predicted",
    "ratio",
    "loading live, ms",
    "predicted",
    "resident live",
    "predicted",
    "GiB s live",
    "predicted",
)


def _prediction_rows(study: Study) -> Iterator[Row]:
    for cell, run in study.ran.items():
        other = study.predicted[cell]
        live, predicted = answered(run), answered(other)
        live_s, predicted_s = (_mean([one.latency_s for one in some]) for some in (live, predicted))
        yield (
            *(cell.setup, cell.policy, cell.title),
            *(_ms(live_s), _ms(predicted_s), f"{predicted_s / live_s:.2f}"),
            *(_ms(_loading_s(live)), _ms(_loading_s(predicted))),
            *(_percent(_resident(live)), _percent(_resident(predicted))),
            *(f"{run.held_gib_s:.0f}", f"{other.held_gib_s:.0f}"),
        )


_SHARING = ("set-up", "policy", "isolation", "loading mean, ms", "p95", "resident", "latency mean")


def _sharing_rows(study: Study) -> Iterator[Row]:
    """Set each run of functions that share beside the same without."""
    for share in study.ran:
        strict = Cell(share.setup, share.policy, "headstart")
        if share.way != SHARE or strict not in study.ran:
            continue
        for name, cell in (("strict", strict), ("share", share)):
            calls = answered(study.ran[cell])
            loading = Spread.of([one.loading_s for one in calls])
            yield (
                *(cell.setup, cell.policy, name),
                *(_ms(loading.mean_s), _ms(loading.p95_s), _percent(_resident(calls))),
                _ms(_mean([one.latency_s for one in calls])),
            )


def _loading_s(calls: Sequence[Outcome]) -> float:
    return _mean([one.loading_s for one in calls])


def _removed(calls: Sequence[Outcome], others: Sequence[Outcome]) -> str:
    """Say what share of the others' mean loading is not there."""
    without_s = _loading_s(others)
    return _percent(1 - _loading_s(calls) / without_s) if without_s else ""


def _resident(calls: Sequence[Outcome]) -> float:
    return _mean([float(one.start_kind in RESIDENT_KINDS) for one in calls])


def _mean(values: Sequence[float]) -> float:
    """Return the mean, not a number when there are no values."""
    return sum(values) / len(values) if values else math.nan


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.0f}"


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.1f} %"
