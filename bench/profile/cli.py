"""``headstart profile``: measure functions for the replay."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from bench.profile.measure import Laboratory, profiled
from bench.replay.profiles import write_profile
from executor.calls import Payload
from executor.clock import since_midnight
from executor.functions import Package
from executor.packages import read_packages
from executor.runtimes.process import ProcessRuntime

app = typer.Typer()

EXAMPLE = "example.json"


@app.command()
def profile(
    functions: Annotated[Path, typer.Option(help="Folder of the functions.")] = Path("functions"),
    models: Annotated[Path, typer.Option(help="Folder of their model files.")] = Path("var/models"),
    networks: Annotated[
        bool,
        typer.Option("--networks", help="Measure the eight networks of bench/density instead."),
    ] = False,
    share_libraries: Annotated[
        bool, typer.Option(help="Fork functions from processes that have their libraries.")
    ] = True,
    repeats: Annotated[int, typer.Option(min=1, help="Fresh instances for each function.")] = 3,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("out/profile.yaml"),
) -> None:
    """Measure start, import, load, memory and inference of functions, one by one.

    Each needs an example.json in its folder: the body of an inference request.
    """
    console = Console()
    with (
        Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console
        ) as bar,
        tempfile.TemporaryDirectory(prefix="headstart-profile-") as directory,
    ):
        Path(directory).chmod(0o711)
        if networks:
            packages, requests = _networks(Path(directory, "networks"), share_libraries)
        else:
            packages = read_packages(functions, models=models, python=Path(sys.executable))
            requests = {
                name: Payload((package.folder / EXAMPLE).read_bytes())
                for name, package in packages.items()
            }
        clock, state = since_midnight(), Path(directory, "state")
        laboratory = Laboratory(
            packages,
            clock,
            lambda calls: ProcessRuntime(
                packages, calls, clock, state, share_libraries=share_libraries
            ),
        )
        tasks = {name: bar.add_task(name, total=repeats) for name in requests}
        costs = asyncio.run(
            profiled(laboratory, packages, requests, repeats, lambda name: bar.advance(tasks[name]))
        )
    write_profile(out, costs)
    console.print(f"profile: {out}")


def _networks(folder: Path, shared: bool) -> tuple[dict[str, Package], dict[str, Payload]]:
    """Write the networks as functions; imported here, since that takes torch."""
    from bench.density.functions import Way, Workshop
    from bench.density.instance import REQUEST
    from bench.density.networks import NETWORKS

    workshop, way = Workshop(folder), Way.SHARED if shared else Way.PRIVATE
    made = [workshop.network(name, name, way) for name in NETWORKS]
    packages = {package.function.name: package for package in made}
    return packages, dict.fromkeys(packages, REQUEST)
