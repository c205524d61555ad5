"""``headstart replay``: judge ways to pre-load on real traces."""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.refusals import told_in_a_line
from bench.replay.figures import draw
from bench.replay.methods import POLICIES, PRELOADS
from bench.replay.profiles import STARTS, ProfileFile, read_profile
from bench.replay.runs import Grid, RunKey, carry_out, pending
from bench.replay.simulate import Gpus
from bench.replay.summary import Summary, tables
from bench.replay.workload import Draw
from bench.traces.minutes import read_minutes
from bench.traces.tables import TraceError
from executor.errors import ConfigError

app = typer.Typer()

TRACES: Final = {
    "azure2019_8h": "azure2019_8h_functions.csv.gz",
    "azure2019_24h_sample": "azure2019_24h_sample.csv.gz",
    "azure2019_24h_patterns": "azure2019_24h_patterns.csv.gz",
}


@app.command()
def replay(
    trace: Annotated[
        str, typer.Option(help=f"{', '.join(TRACES)}, or a file of the same layout.")
    ] = "azure2019_8h",
    functions: Annotated[int, typer.Option(min=1, help="Drawn from the trace's rows.")] = 1000,
    owners: Annotated[
        int, typer.Option(min=0, help="Who share the functions; 0 for the trace's own.")
    ] = 20,
    minutes: Annotated[int, typer.Option(min=1, help="Length, from the trace's start.")] = 480,
    cap: Annotated[
        int, typer.Option(min=1, help="Calls of a function in a minute that count.")
    ] = 5,
    policies: Annotated[
        str, typer.Option(help=f"Which of {', '.join(POLICIES)}.")
    ] = "histogram,faascache,pagurus,openwhisk,azure_premium",
    preload: Annotated[str, typer.Option(help=f"Which of {', '.join(PRELOADS)}.")] = ",".join(
        PRELOADS
    ),
    memory_gib: Annotated[str, typer.Option(help="Memory for all containers.")] = "60,120,240",
    seeds: Annotated[str, typer.Option(help="Such as 1-10 or 1,2,5.")] = "1-10",
    warm_keeps_model: Annotated[
        str, typer.Option(help="Whether a function stays loaded after its call: yes or no.")
    ] = "yes",
    gpus: Annotated[int, typer.Option(min=0, help="GPUs that all containers share.")] = 0,
    gpu_memory_gib: Annotated[int, typer.Option(min=1, help="Memory of each.")] = 24,
    starts: Annotated[
        str, typer.Option(help=f"What starts cost: which of {', '.join(STARTS)}, or profile files.")
    ] = "private",
    data: Annotated[
        Path | None,
        typer.Option(envvar="HEADSTART_DATA", help="Folder with the traces in traces/."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for figures; runs in it are kept.")] = Path(
        "out/replay"
    ),
) -> None:
    """Replay a trace under every policy, way to pre-load, memory size and seed."""
    with told_in_a_line(ConfigError, TraceError, OSError):
        grid = Grid(
            read_minutes(_trace_file(trace, data)),
            _chosen("--policies", policies, list(POLICIES)),
            _chosen("--preload", preload, list(PRELOADS)),
            _starts(starts),
            tuple(dict.fromkeys(_whole("--memory-gib", one) for one in memory_gib.split(","))),
            _seeds(seeds),
            Draw(functions, owners, cap, minutes),
            _chosen("--warm-keeps-model", warm_keeps_model, ["yes", "no"]) == ("yes",),
            Gpus(gpus, gpu_memory_gib if gpus else 0),
        )
        _check_gpus(grid)
        _carry_out(grid, out)


def _carry_out(grid: Grid, out: Path) -> None:
    """Replay what is missing, and sum up all that is there."""
    console = Console()
    keys = pending(grid, out / "runs")
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    ) as bar:
        runs = bar.add_task("runs", total=len(keys))
        calls = bar.add_task("calls")

        def progress(key: RunKey, done: int, total: int) -> None:
            name = key.file_name.removesuffix(".csv")
            bar.update(calls, description=name, completed=done, total=total)

        for _ in carry_out(grid, keys, out / "runs", progress):
            bar.advance(runs)
    summary = Summary.read(out / "runs")
    (out / "summary.md").write_text(tables(summary))
    draw(summary, out)
    console.print(f"{len(summary.setups())} set-ups in {out / 'summary.md'}")


def _chosen(option: str, text: str, known: list[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"{option} is {name!r}; expected one of {', '.join(known)}")
    return names


def _starts(text: str) -> dict[str, ProfileFile]:
    found: dict[str, ProfileFile] = {}
    for one in dict.fromkeys(text.split(",")):
        name, costs = (one, STARTS[one]()) if one in STARTS else _starts_of_file(Path(one))
        if name in found or (name in STARTS and one not in STARTS):
            raise typer.BadParameter(f"--starts is {text!r}; {one!r} needs a file name of its own")
        found[name] = costs
    return found


def _starts_of_file(file: Path) -> tuple[str, ProfileFile]:
    if not file.is_file():
        known = ", ".join(STARTS)
        raise typer.BadParameter(f"--starts is {str(file)!r}; expected one of {known}, or a file")
    return file.stem, read_profile(file)


def _check_gpus(grid: Grid) -> None:
    for name, costs in grid.starts.items() if grid.gpus.count else ():
        if all(model.gpu is None for model in costs.models.values()):
            raise typer.BadParameter(f"--gpus needs --starts whose models have gpu: not {name!r}")


def _whole(option: str, text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise typer.BadParameter(f"{option} is {text!r}; expected whole numbers from 1")
    return int(text)


def _seeds(text: str) -> tuple[int, ...]:
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        begin = _whole("--seeds", first)
        end = _whole("--seeds", last) if dash else begin
        if end < begin:
            raise typer.BadParameter(f"--seeds is {part!r}; expected the smaller number first")
        found += range(begin, end + 1)
    return tuple(dict.fromkeys(found))


def _trace_file(trace: str, data: Path | None) -> Path:
    if trace not in TRACES:
        return Path(trace)
    if data is None:
        raise typer.BadParameter(f"--trace {trace} needs --data, the folder of the data sets")
    return data / "traces" / TRACES[trace]
