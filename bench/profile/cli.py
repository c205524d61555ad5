"""``headstart profile``: measure functions for the replay."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from bench.profile.measure import CallFailed, Laboratory, profiled
from bench.refusals import told_in_a_line
from bench.replay.profiles import ProfileFile, write_profile
from executor.calls import Payload
from executor.clock import since_midnight
from executor.errors import ConfigError, RuntimeFailure
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
    with (
        told_in_a_line(ConfigError, RuntimeFailure, CallFailed, OSError, ModuleNotFoundError),
        tempfile.TemporaryDirectory(prefix="headstart-profile-") as directory,
    ):
        out.parent.mkdir(parents=True, exist_ok=True)
        Path(directory).chmod(0o711)
        if networks:
            packages, requests = _networks(Path(directory, "networks"), share_libraries)
        else:
            packages = read_packages(functions, models=models, python=Path(sys.executable))
            requests = _examples(packages)
        clock, state = since_midnight(), Path(directory, "state")
        laboratory = Laboratory(
            packages,
            clock,
            lambda calls: ProcessRuntime(
                packages, calls, clock, state, share_libraries=share_libraries
            ),
        )
        write_profile(out, _measured(laboratory, packages, requests, repeats))
    Console().print(f"profile: {out}")


def _measured(
    laboratory: Laboratory,
    packages: dict[str, Package],
    requests: dict[str, Payload],
    repeats: int,
) -> ProfileFile:
    """Measure under a bar for each function."""
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()) as bar:
        tasks = {name: bar.add_task(name, total=repeats) for name in requests}
        return asyncio.run(
            profiled(laboratory, packages, requests, repeats, lambda name: bar.advance(tasks[name]))
        )


def _examples(packages: dict[str, Package]) -> dict[str, Payload]:
    """Read the body of a request for each function."""
    bodies = {}
    for name, package in packages.items():
        file = package.folder / EXAMPLE
        if not file.is_file():
            raise ConfigError(package.folder, EXAMPLE, None, "a file with the body of a request")
        bodies[name] = Payload(file.read_bytes())
    return bodies


def _networks(folder: Path, shared: bool) -> tuple[dict[str, Package], dict[str, Payload]]:
    """Write the networks as functions; imported here, since that takes torch."""
    from bench.density.functions import Way, Workshop
    from bench.density.instance import REQUEST
    from bench.density.networks import NETWORKS

    workshop, way = Workshop(folder), Way.SHARED if shared else Way.PRIVATE
    made = [workshop.network(name, name, way) for name in NETWORKS]
    packages = {package.function.name: package for package in made}
    return packages, dict.fromkeys(packages, REQUEST)
