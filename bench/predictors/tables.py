"""Figures of the predictor benchmark as rows, CSV and Markdown."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.predictors.classes import CLASSES
from bench.predictors.scores import Scores, join

ALL = "all"
COLUMNS = (*CLASSES, ALL)
Kinds = Mapping[str, NDArray[np.str_]]


@dataclass(frozen=True, slots=True)
class Row:
    """Means over the functions of a class in a trace; ``any`` is the chance of at least one."""

    predictor: str
    horizon_s: float
    trace: str
    kind: str
    functions: int
    log_loss: float
    log_loss_any: float
    brier: float
    brier_any: float
    hit_rate: float


def rows_of(
    predictor: str, horizon_s: float, scores: Mapping[str, Scores], kinds: Kinds
) -> list[Row]:
    """Return the rows of one predictor and horizon: every trace and all, every class and all."""
    whole = join(list(scores.values()))
    every_kind = np.concatenate([kinds[trace] for trace in scores])
    tables = [(trace, join([part]), kinds[trace]) for trace, part in scores.items()]
    rows = []
    for trace, part, labels in [*tables, (ALL, whole, every_kind)]:
        for kind in COLUMNS:
            chosen = np.full(len(labels), True) if kind == ALL else labels == kind
            if chosen.any():
                rows.append(_row(predictor, horizon_s, trace, kind, part, chosen))
    return rows


def row_of_log(predictor: str, horizon_s: float, log: str, scores: Scores) -> Row:
    """Return the row of one predictor and horizon over all functions of a log."""
    whole = join([scores])
    return _row(predictor, horizon_s, log, ALL, whole, np.full(whole.functions, True))


def _row(
    predictor: str,
    horizon_s: float,
    trace: str,
    kind: str,
    scores: Scores,
    chosen: NDArray[np.bool_],
) -> Row:
    called = scores.called[chosen].sum()
    return Row(
        predictor,
        horizon_s,
        trace,
        kind,
        int(chosen.sum()),
        float(scores.log_loss[chosen].mean()),
        float(scores.log_loss[chosen, 0].mean()),
        float(scores.brier[chosen].mean()),
        float(scores.brier[chosen, 0].mean()),
        float(scores.hits[chosen].sum() / called) if called else float("nan"),
    )


def write_csv(file: Path, rows: Iterable[Row]) -> None:
    """Write all rows under a header."""
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def markdown(rows: list[Row], of_logs: list[Row]) -> str:
    """Return the tables over all traces, and one of logs.

    That is the log-loss by class, then the other measures by horizon.
    """
    pooled = [row for row in rows if row.trace == ALL]
    horizons_s = sorted({row.horizon_s for row in pooled})
    parts = [_by_class("Log-loss, mean over the horizons", pooled)]
    for horizon_s in horizons_s:
        at_horizon = [row for row in pooled if row.horizon_s == horizon_s]
        parts.append(_by_class(f"Log-loss, horizon {horizon_s:g} s", at_horizon))
    parts.append(_by_measure([row for row in pooled if row.kind == ALL], horizons_s))
    if of_logs:
        parts.append(_by_log(of_logs))
    return "\n".join(parts)


def _by_class(title: str, rows: list[Row]) -> str:
    counts = {row.kind: row.functions for row in rows}
    kinds = [kind for kind in COLUMNS if kind in counts]
    lines = [
        f"### {title}\n",
        "| predictor | " + " | ".join(f"{kind} ({counts[kind]})" for kind in kinds) + " |",
        "|---|" + "---:|" * len(kinds),
    ]
    for predictor in dict.fromkeys(row.predictor for row in rows):
        mine = [row for row in rows if row.predictor == predictor]
        means = [np.mean([row.log_loss for row in mine if row.kind == kind]) for kind in kinds]
        lines.append(f"| {predictor} | " + " | ".join(f"{mean:.4f}" for mean in means) + " |")
    return "\n".join(lines) + "\n"


def _by_measure(rows: list[Row], horizons_s: list[float]) -> str:
    names = {"log_loss_any": "log-loss of a call", "brier_any": "Brier", "hit_rate": "hit rate"}
    heads = [f"{name}, {horizon_s:g} s" for name in names.values() for horizon_s in horizons_s]
    lines = [
        "### Chance of at least one call, all functions\n",
        "| predictor | " + " | ".join(heads) + " |",
        "|---|" + "---:|" * len(heads),
    ]
    for predictor in dict.fromkeys(row.predictor for row in rows):
        mine = {row.horizon_s: row for row in rows if row.predictor == predictor}
        cells = [f"{getattr(mine[h], name):.4f}" for name in names for h in horizons_s]
        lines.append(f"| {predictor} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _by_log(rows: list[Row]) -> str:
    predictors = list(dict.fromkeys(row.predictor for row in rows))
    losses = {(row.trace, row.horizon_s, row.predictor): row.log_loss for row in rows}
    lines = [
        "### Log-loss on logs of other systems\n",
        f"| log | functions | horizon | {' | '.join(predictors)} |",
        "|---|---:|---:|" + "---:|" * len(predictors),
    ]
    by_place = {(row.trace, row.horizon_s): row.functions for row in rows}
    for (log, horizon_s), functions in sorted(by_place.items()):
        cells = [f"{losses[log, horizon_s, predictor]:.4f}" for predictor in predictors]
        lines.append(f"| {log} | {functions} | {horizon_s:g} s | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
