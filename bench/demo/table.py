"""The live table of a run, redrawn as calls end."""

from collections import Counter
from collections.abc import Callable

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.demo.client import Outcome
from bench.demo.summary import Spread, Summary, removed_ratio

KINDS = ("cold", "warm", "library", "host", "gpu")

_ROWS: dict[str, Callable[[Summary], float]] = {
    "latency mean": lambda one: one.latency.mean_s,
    "latency p50": lambda one: one.latency.p50_s,
    "latency p95": lambda one: one.latency.p95_s,
    "latency p99": lambda one: one.latency.p99_s,
    "loading mean": lambda one: one.loading.mean_s,
    "loading p95": lambda one: one.loading.p95_s,
}


class LiveTable:
    """Progress of one run and what each function has met so far."""

    def __init__(self, title: str, total: int) -> None:
        self._title = title
        self._outcomes: dict[str, list[Outcome]] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._task = self._progress.add_task(title, total=total)

    def add(self, outcome: Outcome) -> None:
        """Take in a call that has ended."""
        self._outcomes.setdefault(outcome.function, []).append(outcome)
        self._progress.advance(self._task)

    def __rich__(self) -> Group:
        everything = [one for outcomes in self._outcomes.values() for one in outcomes]
        kinds = [kind for kind in KINDS if any(one.start_kind == kind for one in everything)]
        failed = ["failed"] if any(one.status != 200 for one in everything) else []
        columns = ("function", "calls", *kinds, *failed, "latency", "loading")
        table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False, caption="means in milliseconds")
        table.columns[0].no_wrap = True
        for name, outcomes in sorted(self._outcomes.items()):
            answered = [one for one in outcomes if one.status == 200]
            counts = Counter(one.start_kind for one in answered)
            counts["failed"] = len(outcomes) - len(answered)
            table.add_row(
                name,
                str(len(outcomes)),
                *(str(counts[column] or "") for column in (*kinds, *failed)),
                f"{Spread.of([one.latency_s for one in answered]).mean_s * 1000:.0f}",
                f"{Spread.of([one.loading_s for one in answered]).mean_s * 1000:.0f}",
            )
        return Group(self._progress, table)


def comparison(summaries: list[Summary]) -> Table:
    """Set the runs side by side; the last one is the one with pre-loading."""
    table = Table("", *(one.name for one in summaries), title="Measured, in milliseconds")
    for label, pick in _ROWS.items():
        table.add_row(label, *(f"{pick(one) * 1000:.0f}" for one in summaries))
    for kind in KINDS:
        counts = [one.start_kinds.get(kind, 0) for one in summaries]
        if any(counts):
            table.add_row(f"{kind} starts", *map(str, counts))
    table.add_row("resident hits", *(f"{one.resident_hit_ratio:.0%}" for one in summaries))
    table.add_row("failed calls", *(str(one.failures) for one in summaries))
    table.add_row(
        "peak memory, MiB", *(f"{one.peak_memory_bytes / 2**20:.0f}" for one in summaries)
    )
    table.add_row("containers held, GiB s", *(f"{one.held_gib_s:.0f}" for one in summaries))
    last = summaries[-1]
    removed = [f"{removed_ratio(one, last):.0%}" for one in summaries[:-1]]
    table.add_row("loading removed by pre-loading", *removed, "")
    return table
