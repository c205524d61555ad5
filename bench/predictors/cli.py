"""``headstart bench predictors`` and ``headstart bench train-predictor``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import Progress, track

from bench.predictors.classes import classify
from bench.predictors.contestants import CONTESTANTS
from bench.predictors.data import read_traces
from bench.predictors.examples import of_traces
from bench.predictors.folds import TEST, TRAINING, VALIDATION, in_folds
from bench.predictors.scores import Scores, join
from bench.predictors.tables import Row, markdown, rows_of, write_csv
from bench.predictors.walk import moments, score
from bench.report import Curve, calibration
from bench.traces.minutes import MinuteTrace, TraceError
from bench.traces.spread import Arrivals, spread
from predictors.arrival.neural import CHECKPOINT

app = typer.Typer()

MAX_PER_MINUTE = 60
WARM_UP_S = 3600.0
LEAST_FORECASTS = 1000

Data = Annotated[
    Path, typer.Option(envvar="HEADSTART_DATA", help="Folder with the traces in traces/.")
]


@dataclass(frozen=True, slots=True)
class Course:
    """A trace to walk through: its calls, the times to forecast at and to score from."""

    trace: MinuteTrace
    arrivals: Arrivals
    times_s: NDArray[np.float64]

    def score(self, name: str, horizon_s: float) -> Scores:
        """Let a new predictor walk through it."""
        times_s = self.times_s[self.times_s <= self.trace.end_s - horizon_s]
        return score(
            CONTESTANTS[name](),
            self.arrivals,
            len(self.trace.names),
            times_s,
            horizon_s,
            self.trace.start_s + WARM_UP_S,
        )


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
    functions: Annotated[int, typer.Option(help="At most so many of each trace.")] = 500,
    every_s: Annotated[float, typer.Option(help="Mean time between forecasts.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Of calls within minutes and times to ask.")] = 1,
) -> None:
    """Walk forward through the traces and score every predictor on functions held out."""
    rng = np.random.default_rng(seed)
    courses = {name: _course(trace, functions, every_s, rng) for name, trace in _read(data).items()}
    kinds = {name: classify(course.trace) for name, course in courses.items()}
    horizons_s = _horizons_s(horizons)
    runs = [(name, horizon_s) for horizon_s in horizons_s for name in _contestants(names)]
    rows: list[Row] = []
    curves: dict[str, dict[str, Curve]] = {}
    for name, horizon_s in track(runs, "walking forward"):
        scores = {key: course.score(name, horizon_s) for key, course in courses.items()}
        rows += rows_of(name, horizon_s, scores, kinds)
        curves.setdefault(f"{horizon_s:g} s ahead", {})[name] = _curve(scores)
    out.mkdir(parents=True, exist_ok=True)
    write_csv(out / "predictors.csv", rows)
    (out / "predictors.md").write_text(markdown(rows))
    calibration(out / "calibration.png", curves, "Forecast chance of a call, and how often it came")
    console = Console()
    console.print(Markdown(markdown(rows)))
    console.print(f"{out}: predictors.csv, predictors.md, calibration.png", highlight=False)


@app.command()
def train_predictor(
    data: Data = Path("../shared/data"),
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = CHECKPOINT,
    epochs: Annotated[int, typer.Option(help="Passes over the examples.")] = 80,
    seed: Annotated[int, typer.Option(help="Of the examples and the training.")] = 1,
) -> None:
    """Train the neural predictor on the traces' training functions; needs torch."""
    from bench.predictors import train  # only here, since it needs torch

    rng = np.random.default_rng(seed)
    traces = _read(data)
    rows, held_out = of_traces(traces, TRAINING, rng), of_traces(traces, VALIDATION, rng)
    with Progress() as progress:
        task = progress.add_task(f"training on {len(rows.features)} examples", total=epochs)
        network = train.train(rows, epochs, seed, lambda *_: progress.advance(task))
    train.save(network, out)
    for horizon_s, loss in train.validate(network, held_out).items():
        typer.echo(f"log-loss on validation functions, horizon {horizon_s:g} s: {loss:.4f}")


def _read(data: Path) -> dict[str, MinuteTrace]:
    try:
        return read_traces(data / "traces")
    except TraceError as error:
        raise typer.BadParameter(str(error), param_hint="--data") from error


def _contestants(names: str) -> list[str]:
    for name in names.split(","):
        if name not in CONTESTANTS:
            expected = f"expected some of {', '.join(CONTESTANTS)}"
            raise typer.BadParameter(f"{name!r}, {expected}", param_hint="--predictors")
    return names.split(",")


def _horizons_s(horizons: str) -> list[float]:
    try:
        horizons_s = [float(horizon) for horizon in horizons.split(",")]
    except ValueError:
        horizons_s = []
    if not horizons_s or min(horizons_s) <= 0:
        message = f"{horizons!r}, expected positive numbers such as 10,60"
        raise typer.BadParameter(message, param_hint="--horizons")
    return horizons_s


def _course(trace: MinuteTrace, functions: int, every_s: float, rng: np.random.Generator) -> Course:
    rows = rng.permutation(in_folds(trace, TEST))[:functions]
    chosen = trace.only(rows)
    arrivals = spread(chosen, rng, MAX_PER_MINUTE)
    return Course(chosen, arrivals, moments(chosen.start_s, chosen.end_s, every_s, rng))


def _curve(scores: dict[str, Scores]) -> Curve:
    """Return mean forecast chance and share of calls in the bins that were used often."""
    whole = join(list(scores.values()))
    used = whole.chances >= LEAST_FORECASTS
    forecast, came = whole.chance_sum[used], whole.called_sum[used]
    return forecast / whole.chances[used], came / whole.chances[used]
