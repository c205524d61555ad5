"""``headstart bench solver``, ``solver-ticks`` and ``solver-gap``."""

import platform
from collections import defaultdict
from collections.abc import Mapping, Sequence
from os import cpu_count
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn, track

from bench.report import quality_against_latency
from bench.solver import assignment as gap
from bench.solver import ticks
from bench.solver.instances import SIZES
from bench.solver.runs import Row, all_runs, append_row, measure, read_rows
from bench.solver.summary import Point, markdown, summarise
from solver import Method, SolverError, warm_up
from solver.door import kept_method
from solver.methods import THREADED

app = typer.Typer()

Sizes = Annotated[str, typer.Option(help=f"Of {', '.join(SIZES)}.")]
Seeds = Annotated[str, typer.Option(help="Numbers and ranges, such as 1-10.")]
Data = Annotated[
    Path, typer.Option(envvar="HEADSTART_DATA", help="Folder with the files in solver/gap/.")
]


@app.command()
def solver(
    out: Annotated[Path, typer.Option(help="Folder for the results; goes on with what is there.")],
    sizes: Sizes = "S,M",
    methods: Annotated[str, typer.Option(help="Methods to compare.")] = "priority,density,price",
    deadlines: Annotated[str, typer.Option(help="Seconds allowed.")] = "0.015,0.05,0.15,1",
    seeds: Seeds = "1-10",
    threads: Annotated[int, typer.Option(min=1, help="Cores for auto and price.")] = 1,
) -> None:
    """Measure quality against latency on random problems, and write CSV, picture and table."""
    names = _split(methods, None)
    wanted = all_runs(
        _split(sizes, SIZES), _numbers(seeds), names, [float(part) for part in deadlines.split(",")]
    )
    out.mkdir(parents=True, exist_ok=True)
    file = out / "runs.csv"
    done = {row.run for row in read_rows(file)}
    missing = [run for run in wanted if run not in done]
    if missing:
        ready = {
            name: _ready(name, threads if name in THREADED else 1)
            for name in dict.fromkeys(run.method for run in missing)
        }
        columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns) as progress:
            for row in progress.track(measure(missing, ready), len(missing), description="solving"):
                append_row(file, row)
    _report(read_rows(file), out)


@app.command()
def solver_ticks(
    sizes: Sizes = "M",
    seeds: Seeds = "1-10",
    method: Annotated[str, typer.Option(help="Method of all ticks.")] = "price",
    count: Annotated[int, typer.Option(min=1, help="Ticks a problem.")] = 10,
    first_s: Annotated[float, typer.Option(help="Seconds for the plan before.")] = 1.0,
    deadline_s: Annotated[float, typer.Option(help="Seconds for each tick.")] = 0.002,
) -> None:
    """Measure ticks solved from the last plan: time, gap and churn."""
    solving = _ready(method)
    courses = [(size, seed) for size in _split(sizes, SIZES) for seed in _numbers(seeds)]
    rows = [
        row
        for size, seed in track(courses, "ticking")
        for row in ticks.walk(
            size, seed, solving, ticks=count, first_s=first_s, deadline_s=deadline_s
        )
    ]
    Console().print(Markdown(f"{_machine()}\n\n{ticks.markdown(rows, deadline_s)}"))


@app.command()
def solver_gap(
    data: Data = Path("../shared/data"),
    method: Annotated[str, typer.Option(help="Method to use.")] = "price",
    deadline_s: Annotated[float, typer.Option(help="Seconds allowed.")] = 1.0,
    most_pairs: Annotated[int, typer.Option(help="Leave larger files out.")] = 4000,
) -> None:
    """Measure the distance to the best known costs of generalised assignment problems."""
    folder = data / "solver" / "gap"
    if not folder.is_dir():
        raise typer.BadParameter(f"{folder}: no such folder")
    solving = _ready(method)
    gaps: dict[str, list[float | None]] = defaultdict(list)
    for path, best in track(gap.read_best_known(folder / "best_known.csv").items(), "solving"):
        problem = gap.read_assignment(folder / path)
        if problem.cost.size <= most_pairs:
            plan = solving.solve(
                gap.placement(problem), deadline_s=deadline_s, seed=0, incumbent=None
            )
            cost = gap.total_cost(problem, plan)
            gaps[_class(path)].append(None if cost is None else cost / best - 1)
    Console().print(Markdown(_gap_table(gaps)))


def _class(path: str) -> str:
    folder, name = path.split("/")
    return folder if folder.startswith("cattrysse") else f"{folder} {name[0]}"


def _gap_table(gaps: dict[str, list[float | None]]) -> str:
    lines = [
        "| class | files | all items placed | over best known, mean (max) | best known reached |",
        "|---|---|---|---|---|",
    ]
    for name, found in gaps.items():
        known = np.array([one for one in found if one is not None])
        distance = f"{known.mean():.2%} ({known.max():.2%})" if len(known) else "none"
        lines.append(
            f"| {name} | {len(found)} | {len(known)} | {distance} | {int((known <= 0).sum())} |"
        )
    return "\n".join(lines) + "\n"


def _report(rows: Sequence[Row], out: Path) -> None:
    points = summarise(rows)
    table = f"{_machine()}\n\n{markdown(points)}"
    (out / "table.md").write_text(table)
    quality_against_latency(out / "quality.png", _panels(points), "Quality against latency")
    Console().print(Markdown(table))


def _panels(points: Sequence[Point]) -> dict[str, dict[str, list[tuple[float, ...]]]]:
    panels: dict[str, dict[str, list[tuple[float, ...]]]] = defaultdict(lambda: defaultdict(list))
    for point in sorted(points, key=lambda point: list(SIZES).index(point.size)):
        gaps = np.array(point.gaps)
        panels[f"{point.size}: {SIZES[point.size].functions} x {SIZES[point.size].instances}"][
            point.method
        ].append((float(np.median(point.solve_s)), gaps.min(), gaps.mean(), gaps.max()))
    return panels


def _ready(name: str, threads: int = 1) -> Method:
    try:
        warm_up(name, threads)
        return kept_method(name, threads)
    except SolverError as error:
        raise typer.BadParameter(str(error)) from error


def _split(text: str, known: Mapping[str, object] | None) -> list[str]:
    parts = text.split(",")
    for part in parts:
        if known is not None and part not in known:
            raise typer.BadParameter(f"{part!r}, expected some of {', '.join(known)}")
    return parts


def _numbers(text: str) -> list[int]:
    numbers: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def _machine() -> str:
    return f"{cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
