"""``python -m bench.density``: private processes against forked ones with mapped weights."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from bench.density import measures
from bench.density.functions import Workshop
from bench.density.measures import Row
from bench.density.report import table, write_rows
from bench.density.starts import starts
from executor.packages import read_packages
from executor.units import GIB

app = typer.Typer()

Measure = Callable[[], AsyncIterator[Row]]

MEASURES = ("residents", "loads", "calls", "removals", "small", "starts")


@app.command()
def density(
    only: Annotated[str, typer.Option(help=f"Which of {', '.join(MEASURES)}.")] = ",".join(
        MEASURES[:-1]
    ),
    repeats: Annotated[int, typer.Option(min=1, help="Of each load and removal.")] = 10,
    budget_gib: Annotated[float, typer.Option(min=0.5, help="To fill with functions.")] = 2.0,
    most: Annotated[int, typer.Option(min=1, help="Functions to try to fit.")] = 240,
    work: Annotated[Path, typer.Option(help="For functions and weights, about 3.5 GB.")] = Path(
        "var/density"
    ),
    engine: Annotated[
        str | None, typer.Option(help="Of Docker, for the small instance to be a container of.")
    ] = None,
    functions: Annotated[Path, typer.Option(help="Of the demonstration, for starts.")] = Path(
        "functions"
    ),
    models: Annotated[Path, typer.Option(help="Their model files.")] = Path("var/models"),
    out: Annotated[Path, typer.Option(help="Folder for figures.")] = Path("out/density"),
) -> None:
    """Measure how many functions fit, and how soon they are loaded, called and gone."""
    workshop = Workshop(work.absolute())
    chosen = {
        "residents": lambda: measures.residents(workshop, int(budget_gib * GIB), most),
        "loads": lambda: measures.loads(workshop, repeats),
        "calls": lambda: measures.calls(workshop, repeats),
        "removals": lambda: measures.removals(workshop, repeats),
        "small": lambda: measures.small(workshop, engine),
        "starts": lambda: starts(
            workshop,
            read_packages(functions, models=models, python=Path(sys.executable)),
            repeats,
        ),
    }
    unknown = set(only.split(",")) - set(chosen)
    if unknown:
        raise typer.BadParameter(f"--only names {sorted(unknown)}; expected some of {MEASURES}")
    out.mkdir(parents=True, exist_ok=True)
    for name in only.split(","):
        write_rows(out / f"{name}.csv", asyncio.run(_collect(name, chosen[name])))
    (out / "density.md").write_text(text := table(out))
    Console().print(text)


async def _collect(name: str, measure: Measure) -> list[Row]:
    columns = SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn()
    rows = []
    with Progress(*columns) as bar:
        task = bar.add_task(name, total=None)
        async for row in measure():
            rows.append(row)
            bar.update(task, advance=1, description=f"{name}: {row.subject}, {row.way}")
    return rows
