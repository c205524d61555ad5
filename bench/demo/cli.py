"""``headstart demo``: the main job."""

import asyncio
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from bench.demo.client import write_calls
from bench.demo.runner import MODES, Job, run_mode
from bench.demo.summary import latencies_s
from bench.demo.table import comparison
from bench.demo.workload import Counts, read_scenario, read_trace, spread
from bench.report import latency_cdf

app = typer.Typer()

CALL_TIMEOUT_S = 90.0
"""Above the time limit of any function, so that the server answers first."""


@app.command()
def demo(
    scenario: Annotated[Path, typer.Option(help="Calls a period of each function.")] = Path(
        "scenarios/seed-demo.yaml"
    ),
    trace: Annotated[
        Path | None, typer.Option(help="A CSV of calls a minute, in place of the scenario's.")
    ] = None,
    functions: Annotated[Path, typer.Option(help="Folder of the functions.")] = Path("functions"),
    models: Annotated[Path, typer.Option(help="Folder of their model files.")] = Path("var/models"),
    memory: Annotated[str, typer.Option(help="Memory for all instances together.")] = "3GiB",
    time_scale: Annotated[
        float, typer.Option(help="Play the workload so many times faster.")
    ] = 5.0,
    modes: Annotated[str, typer.Option(help=f"Which of {', '.join(MODES)}.")] = "none,headstart",
    seed: Annotated[int, typer.Option(help="Of the times of calls within a period.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder for figures and logs.")] = Path("out/demo"),
) -> None:
    """Replay a real workload against real functions, without and with pre-loading."""
    console = Console()
    counts = read_scenario(scenario)
    if trace is not None:
        counts = read_trace(trace, tuple(counts.calls))
    arrivals = spread(counts, time_scale, seed)
    bodies = {name: (functions / name / "example.json").read_bytes() for name in counts.calls}
    announce(console, counts, time_scale, memory)
    base = base_settings(functions, models, memory, out)
    job = Job(arrivals, bodies, CALL_TIMEOUT_S)
    results = {
        mode: asyncio.run(run_mode(MODES[mode], base, job, out / mode, console))
        for mode in chosen("--modes", modes, MODES)
    }
    for mode, (_, outcomes) in results.items():
        write_calls(out / mode / "calls.csv", outcomes)
    summaries = [summary for summary, _ in results.values()]
    console.print(comparison(summaries))
    latencies = latencies_s(results.values())
    latency_cdf(out / "latency-cdf.png", latencies, "The same calls, memory and policy")
    figures = {"time_scale": time_scale, "runs": [asdict(one) for one in summaries]}
    (out / "summary.json").write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
    console.print(f"picture: {out / 'latency-cdf.png'}, figures: {out / 'summary.json'}")


def chosen(option: str, said: str, known: Collection[str]) -> list[str]:
    """Read a list of names, separated by commas.

    Raises
    ------
    typer.BadParameter
        Naming the option, the unknown name and the known ones.
    """
    names = said.split(",")
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"{option}: {name!r} is none of {', '.join(known)}")
    return names


def announce(console: Console, counts: Counts, time_scale: float, memory: str) -> None:
    """Say what is going to be played."""
    console.print(
        f"{counts.total} calls to {len(counts.calls)} functions over {counts.duration_s:.0f} s, "
        f"played {time_scale:g} times faster ({counts.duration_s / time_scale:.0f} s a run), "
        f"with {memory} for all instances",
        highlight=False,
    )


def base_settings(functions: Path, models: Path, memory: str, out: Path) -> dict[str, Any]:
    """Return the server's settings that all modes share."""
    return {
        "functions": str(functions.resolve()),
        "models": str(models.resolve()),
        "state": str((out / "state").resolve()),
        "worker": {"memory": memory},
        "gateway": {"port": 0},
    }
