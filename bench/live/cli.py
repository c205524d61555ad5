"""``headstart bench live``: every policy with and without pre-loading, on a real server."""

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import Progress

from bench.demo.cli import chosen
from bench.demo.runner import MODES
from bench.density.functions import Workshop
from bench.live.functions import alike, deployments, write_functions
from bench.live.measured import measured
from bench.live.place import Place
from bench.live.predict import Prediction
from bench.live.report import Study, write_report
from bench.live.runs import SHARE, Cell, play, read_run
from bench.live.site import SETUPS, Site
from bench.live.slices import Slice, draw, read_counts
from bench.traces.spread import MINUTE_S
from executor.choices import POLICIES
from executor.config import Config
from executor.errors import ConfigError
from executor.packages import read_packages
from executor.units import format_bytes

app = typer.Typer()

TRACE = "traces/azure2019_8h_functions.csv.gz"
SCENARIO = Path("scenarios/seed-demo.yaml")

OF_TRACE = Slice(minutes=20, least=2, most=3, time_scale=24.0)
OF_SCENARIO = Slice(minutes=5, least=4, most=5, time_scale=3.0)
"""What makes two cores half busy with sixteen functions that are loaded for each call."""


@app.command()
def live(
    setups: Annotated[str, typer.Option(help=f"Which of {', '.join(SETUPS)}.")] = ",".join(SETUPS),
    policies: Annotated[
        str, typer.Option(help=f"Which of {', '.join(POLICIES)}.")
    ] = "openwhisk,histogram,pagurus,faascache",
    modes: Annotated[str, typer.Option(help=f"Which of {', '.join(MODES)}.")] = ",".join(MODES),
    share: Annotated[
        str, typer.Option(help="Policies under which functions are also run that share; or none.")
    ] = "openwhisk",
    runtime: Annotated[str, typer.Option(help="docker or process.")] = "docker",
    engine: Annotated[
        str, typer.Option(help="The Docker engine.", envvar="DOCKER_HOST")
    ] = "unix:///var/run/docker.sock",
    functions: Annotated[
        Path | None, typer.Option(help="Folder of functions, in place of the eight networks.")
    ] = None,
    models: Annotated[Path, typer.Option(help="Folder of their model files.")] = Path("var/models"),
    count: Annotated[int, typer.Option(min=1, help="Functions of the eight networks.")] = 16,
    owners: Annotated[int, typer.Option(min=1, help="Who share them.")] = 2,
    work: Annotated[Path, typer.Option(help="For the networks' weights, 1.8 GB.")] = Path(
        "var/density"
    ),
    trace: Annotated[
        Path | None, typer.Option(help=f"Calls a minute; else DATA/{TRACE}, else {SCENARIO}.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(envvar="HEADSTART_DATA", help="Folder with traces in traces/.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.01, help="How long a run plays.", show_default="0.83")
    ] = None,
    time_scale: Annotated[
        float | None,
        typer.Option(min=0.01, help="Play so many times faster.", show_default="24"),
    ] = None,
    least: Annotated[
        int | None, typer.Option(min=1, help="Calls of a function, at least.", show_default="2")
    ] = None,
    most: Annotated[
        int | None, typer.Option(min=1, help="Calls of a function, at most.", show_default="3")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the rows and the times of calls.")] = 1,
    repeats: Annotated[int, typer.Option(min=1, help="Instances to measure a function in.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Repeat what is done.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for figures; runs in it are kept.")] = Path(
        "out/live"
    ),
) -> None:
    """Play a slice of a trace under every policy, without and with pre-loading, and predict it."""
    console = Console()
    (kind,) = chosen("--runtime", runtime, ("process", "docker"))
    cells = [
        Cell(setup, policy, way)
        for setup in chosen("--setups", setups, SETUPS)
        for policy in chosen("--policies", policies, POLICIES)
        for way in [*chosen("--modes", modes, MODES), *[SHARE] * (policy in share.split(","))]
    ]
    file = trace or _default_trace(data)
    part = _slice(file, minutes, time_scale, least, most)
    said = {"runtime": kind, "functions": str(functions), "count": count, "owners": owners}
    said |= {"trace": file.name, "slice": str(part), "seed": seed}
    _claim(out, said, fresh=fresh)
    place = Place(kind, engine)
    if functions is None:
        deployed = deployments(count, owners)
        write_functions(out / "functions", deployed, Workshop(work.absolute()))
        site = Site(out / "functions", work, alike(deployed), place, out)
    else:
        packages = read_packages(functions, models=models, python=Path(sys.executable))
        site = Site(functions, models, {name: name for name in packages}, place, out)
    arrivals, cores = draw(read_counts(file), list(site.like), part, seed), _cores()
    with Progress(console=console) as bar:
        costs = measured(site, out, repeats, cores, bar)
    site.adapt(costs.shared)
    demand_bytes, bodies = costs.demand_bytes(site), site.bodies()
    ran, predicted = {}, {}
    for cell in cells:
        settings = site.config(cell, demand_bytes)
        ran[cell] = read_run(out, cell) or asyncio.run(
            play(cell, settings, arrivals, bodies, part.length_s, out, console)
        )
        config = Config.model_validate(settings)
        profile = costs.profile(shared=config.share_libraries)
        prediction = Prediction(config, site.adapted(cell), profile, site.like, cores)
        predicted[cell] = prediction.of(arrivals, part.length_s)
    memory = {one: format_bytes(site.memory_bytes(one, demand_bytes)) for one in SETUPS}
    preface = (
        f"{len(arrivals)} calls to {len(site.like)} functions in {part.length_s:.0f} s, "
        f"{part.minutes} minutes of {file.name} played {part.time_scale:g} times faster, "
        f"in {kind} instances on {cores} cores. In processes of their own all functions hold "
        f"{format_bytes(demand_bytes)}; memory for instances: "
        + ", ".join(f"{setup} {size}" for setup, size in memory.items())
        + "."
    )
    write_report(out, Study(ran, predicted, part.length_s), preface)
    console.print((out / "summary.md").read_text(), soft_wrap=True, markup=False)
    console.print(f"tables and pictures: {out}")


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _default_trace(data: Path | None) -> Path:
    file = None if data is None else data / TRACE
    return file if file is not None and file.exists() else SCENARIO


def _slice(
    file: Path,
    minutes: float | None,
    time_scale: float | None,
    least: int | None,
    most: int | None,
) -> Slice:
    """Choose the part of a trace, or of a scenario, as far as that was not said."""
    usual = OF_SCENARIO if file.suffix == ".yaml" else OF_TRACE
    scale = time_scale or usual.time_scale
    length_s = usual.length_s if minutes is None else minutes * MINUTE_S
    of_file = max(1, round(length_s * scale / MINUTE_S))
    return Slice(of_file, least or usual.least, most or usual.most, scale)


def _claim(out: Path, said: Mapping[str, Any], *, fresh: bool) -> None:
    """Begin or go on in a folder.

    Raises
    ------
    ConfigError
        When it holds runs of other settings.
    """
    file = out / "settings.json"
    if fresh:
        shutil.rmtree(out, ignore_errors=True)
    if not file.exists():
        out.mkdir(parents=True, exist_ok=True)
        file.write_bytes(orjson.dumps(said))
    elif orjson.loads(file.read_bytes()) != said:
        raise ConfigError(file, "settings", said, f"{file.read_text()}; --fresh starts anew")
