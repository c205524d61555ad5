"""``headstart profile``: measure functions for the replay."""

import asyncio
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from bench.profile.measure import Laboratory
from bench.replay.profiles import ProfileFile
from executor.calls import Payload
from executor.clock import since_midnight
from executor.functions import Package
from executor.packages import read_packages

app = typer.Typer()

EXAMPLE = "example.json"


@app.command()
def profile(
    functions: Annotated[Path, typer.Option(help="Folder of the functions.")] = Path("functions"),
    models: Annotated[Path, typer.Option(help="Folder of their model files.")] = Path("var/models"),
    repeats: Annotated[int, typer.Option(min=1, help="Fresh instances for each function.")] = 3,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("out/profile.yaml"),
) -> None:
    """Measure start, import, load, memory and inference of functions, one by one.

    Each needs an example.json in its folder: the body of an inference request.
    """
    packages = read_packages(functions, models=models, python=Path(sys.executable))
    console = Console()
    with (
        Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console
        ) as bar,
        tempfile.TemporaryDirectory(prefix="headstart-profile-") as directory,
    ):
        Path(directory).chmod(0o711)
        costs = asyncio.run(_measure(packages, repeats, Path(directory), bar))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(yaml.safe_dump(costs.model_dump(), sort_keys=False))
    console.print(f"profile: {out}")


async def _measure(
    packages: dict[str, Package], repeats: int, directory: Path, bar: Progress
) -> ProfileFile:
    laboratory = Laboratory(packages, since_midnight(), directory)
    await laboratory.open()
    try:
        starts_s, costs = [], {}
        for name, package in packages.items():
            task = bar.add_task(name, total=repeats)
            request = Payload((package.folder / EXAMPLE).read_bytes())
            start_s, costs[name] = await laboratory.measure(
                name,
                request,
                repeats,
                lambda task=task: bar.advance(task),  # type: ignore[misc]
            )
            starts_s.append(start_s)
    finally:
        await laboratory.runtime.close()
    return ProfileFile(start_s=round(median(starts_s), 4), models=costs)
