"""``headstart bench live``: every policy with and without pre-loading, on a real server."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from bench.demo.cli import CALL_TIMEOUT_S, announce, base_settings, chosen
from bench.demo.client import Outcome, write_calls
from bench.demo.runner import MODES, Job, run_mode
from bench.demo.summary import Summary, latencies_s
from bench.demo.table import comparison
from bench.demo.workload import read_scenario, spread
from bench.report import latency_cdf
from executor.choices import POLICIES

app = typer.Typer()


@app.command()
def live(
    scenario: Annotated[Path, typer.Option(help="Calls a period of each function.")] = Path(
        "scenarios/seed-demo.yaml"
    ),
    policies: Annotated[
        str, typer.Option(help=f"Which of {', '.join(POLICIES)}.")
    ] = "openwhisk,histogram,pagurus,faascache",
    modes: Annotated[str, typer.Option(help=f"Which of {', '.join(MODES)}.")] = ",".join(MODES),
    runtime: Annotated[str, typer.Option(help="process or docker.")] = "process",
    engine: Annotated[
        str, typer.Option(help="The Docker engine.", envvar="DOCKER_HOST")
    ] = "unix:///var/run/docker.sock",
    functions: Annotated[Path, typer.Option(help="Folder of the functions.")] = Path("functions"),
    models: Annotated[Path, typer.Option(help="Folder of their model files.")] = Path("var/models"),
    memory: Annotated[str, typer.Option(help="Memory for all instances together.")] = "3GiB",
    time_scale: Annotated[
        float, typer.Option(min=0.01, help="Play the workload so many times faster.")
    ] = 2.0,
    seed: Annotated[int, typer.Option(help="Of the times of calls within a period.")] = 1,
    out: Annotated[Path, typer.Option(help="Folder for figures and logs.")] = Path("out/live"),
) -> None:
    """Replay a real workload under every policy, without and with pre-loading."""
    console = Console()
    counts = read_scenario(scenario)
    bodies = {name: (functions / name / "example.json").read_bytes() for name in counts.calls}
    job = Job(spread(counts, time_scale, seed), bodies, CALL_TIMEOUT_S)
    base = base_settings(functions, models, memory, out) | _where(runtime, engine, memory)
    announce(console, counts, time_scale, memory)
    figures = {}
    for policy in chosen("--policies", policies, POLICIES):
        settings = {**base, "keep_alive": {"policy": policy}}
        results: dict[str, tuple[Summary, list[Outcome]]] = {}
        for mode in chosen("--modes", modes, MODES):
            folder = out / policy / mode
            results[mode] = asyncio.run(run_mode(MODES[mode], settings, job, folder, console))
            write_calls(folder / "calls.csv", results[mode][1])
        _show(console, out, policy, results)
        figures[policy] = [asdict(summary) for summary, _ in results.values()]
    document = {"runtime": runtime, "time_scale": time_scale, "policies": figures}
    (out / "summary.json").write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    console.print(f"figures: {out / 'summary.json'}")


def _where(runtime: str, engine: str, memory: str) -> dict[str, Any]:
    (kind,) = chosen("--runtime", runtime, ("process", "docker"))
    if kind == "process":
        return {"runtime": kind}
    return {"runtime": kind, "docker": {"engines": {"here": {"url": engine, "memory": memory}}}}


def _show(
    console: Console, out: Path, policy: str, results: dict[str, tuple[Summary, list[Outcome]]]
) -> None:
    console.rule(policy)
    console.print(comparison([summary for summary, _ in results.values()]))
    latencies = latencies_s(results.values())
    latency_cdf(out / f"{policy}.png", latencies, f"The same calls and memory, policy {policy}")
