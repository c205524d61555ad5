"""``headstart bench predictors`` and ``headstart bench train-predictor``."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import Progress, track

from bench.predictors.classes import classify
from bench.predictors.contestants import CONTESTANTS
from bench.predictors.courses import Course, of_log, of_trace
from bench.predictors.data import read_logs, read_traces
from bench.predictors.examples import of_traces
from bench.predictors.folds import TEST, TRAINING, VALIDATION, in_folds
from bench.predictors.scores import Scores, join
from bench.predictors.tables import Row, markdown, row_of_log, rows_of, write_csv
from bench.refusals import told_in_a_line
from bench.report import Curve, calibration
from bench.traces.tables import TraceError
from predictors.arrival.neural import CHECKPOINT

app = typer.Typer()

LEAST_FORECASTS = 1000

Data = Annotated[
    Path, typer.Option(envvar="HEADSTART_DATA", help="Folder with the traces in traces/.")
]


@app.command()
def predictors(
    data: Data = Path("../shared/data"),
    out: Annotated[Path, typer.Option(help="Folder for tables and picture.")] = Path(
        "out/predictors"
    ),
    names: Annotated[
        str, typer.Option("--predictors", help=f"Which of {', '.join(CONTESTANTS)}.")
    ] = ",".join(CONTESTANTS),
    horizons: Annotated[str, typer.Option(help="Seconds ahead.")] = "10,60,600",
    functions: Annotated[int, typer.Option(min=1, help="At most so many of each trace.")] = 500,
    every_s: Annotated[float, typer.Option(min=1.0, help="Mean time between forecasts.")] = 60.0,
    seed: Annotated[int, typer.Option(min=0, help="Of calls within minutes, times to ask.")] = 1,
) -> None:
    """Walk forward through the traces and score every predictor on functions held out.

    Logs of other systems, where they are there, are walked through as well and kept apart.
    """
    contestants = _contestants(names)
    with told_in_a_line(TraceError, OSError):
        out.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        kinds, courses = {}, {}
        for name, trace in read_traces(data / "traces").items():
            held_out = trace.only(rng.permutation(in_folds(trace, TEST))[:functions])
            kinds[name], courses[name] = classify(held_out), of_trace(held_out, every_s, rng)
        logs = {name: of_log(log, rng) for name, log in read_logs(data / "traces").items()}
        horizons_s = _horizons_s(horizons, min(course.longest_s for course in courses.values()))
        runs = [(name, horizon_s) for horizon_s in horizons_s for name in contestants]
        rows: list[Row] = []
        of_logs: list[Row] = []
        curves: dict[str, dict[str, Curve]] = {}
        for name, horizon_s in track(runs, "walking forward"):
            scores = {key: _score(course, name, horizon_s) for key, course in courses.items()}
            rows += rows_of(name, horizon_s, scores, kinds)
            curves.setdefault(f"{horizon_s:g} s ahead", {})[name] = _curve(scores)
            of_logs += [
                row_of_log(name, horizon_s, key, _score(log, name, horizon_s))
                for key, log in logs.items()
                if horizon_s <= log.longest_s
            ]
        write_csv(out / "predictors.csv", [*rows, *of_logs])
        tables = markdown(rows, of_logs)
        (out / "predictors.md").write_text(tables)
        title = "Forecast chance of a call, and how often it came"
        calibration(out / "calibration.png", curves, title)
    console = Console()
    console.print(Markdown(tables))
    console.print(f"{out}: predictors.csv, predictors.md, calibration.png", highlight=False)


@app.command()
def train_predictor(
    data: Data = Path("../shared/data"),
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = CHECKPOINT,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the examples.")] = 80,
    seed: Annotated[int, typer.Option(min=0, help="Of the examples and the training.")] = 1,
) -> None:
    """Train the neural predictor on the traces' training functions; needs torch."""
    with told_in_a_line(TraceError, OSError, ModuleNotFoundError):
        from bench.predictors import train  # only here, since it needs torch

        out.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        traces = read_traces(data / "traces")
        with Console().status("describing what was known of functions, and what came next"):
            rows, held_out = of_traces(traces, TRAINING, rng), of_traces(traces, VALIDATION, rng)
        with Progress() as progress:
            task = progress.add_task(f"training on {len(rows.features)} examples", total=epochs)
            network = train.train(rows, epochs, seed, lambda *_: progress.advance(task))
        train.save(network, out)
    for horizon_s, loss in train.validate(network, held_out).items():
        typer.echo(f"log-loss on validation functions, horizon {horizon_s:g} s: {loss:.4f}")


def _contestants(text: str) -> list[str]:
    names = list(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in CONTESTANTS:
            expected = f"expected some of {', '.join(CONTESTANTS)}"
            raise typer.BadParameter(f"{name!r}, {expected}", param_hint="--predictors")
    return names


def _horizons_s(text: str, longest_s: float) -> list[float]:
    try:
        horizons_s = list(dict.fromkeys(float(horizon) for horizon in text.split(",")))
    except ValueError:
        horizons_s = []
    if not horizons_s or not all(0 < one <= longest_s for one in horizons_s):
        message = f"{text!r}, expected numbers such as 10,60, above 0 and up to {longest_s:.0f}"
        raise typer.BadParameter(message, param_hint="--horizons")
    return horizons_s


def _score(course: Course, name: str, horizon_s: float) -> Scores:
    return course.score(CONTESTANTS[name](), horizon_s)


def _curve(scores: dict[str, Scores]) -> Curve:
    """Return mean forecast chance and share of calls in the bins that were used often."""
    whole = join(list(scores.values()))
    used = whole.chances >= LEAST_FORECASTS
    forecast, came = whole.chance_sum[used], whole.called_sum[used]
    return forecast / whole.chances[used], came / whole.chances[used]
