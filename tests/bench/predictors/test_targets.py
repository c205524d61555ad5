"""What the default predictor reaches on the shared traces."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.predictors.classes import CLASSES
from bench.predictors.cli import app
from bench.predictors.contestants import CONTESTANTS
from bench.predictors.data import read_traces
from bench.predictors.folds import TEST, in_folds
from bench.predictors.tables import ALL
from bench.predictors.walk import moments, score
from bench.traces.spread import spread
from predictors.arrival.mixture import MixturePredictor
from predictors.arrival.poisson import PoissonPredictor

SHARED = Path(__file__).parents[4] / "shared" / "data"
TRACES = Path(os.environ.get("HEADSTART_DATA", SHARED)) / "traces"


here = pytest.mark.skipif(not TRACES.is_dir(), reason=f"no traces in {TRACES}, see HEADSTART_DATA")


@pytest.mark.slow
@pytest.mark.timeout(600)
@here
def test_the_mixture_is_better_than_each_other_in_every_class(tmp_path: Path) -> None:
    chosen = [
        "--data",
        str(TRACES.parent),
        "--out",
        str(tmp_path),
        "--every-s",
        "300",
        "--functions",
        "250",
    ]
    CliRunner().invoke(app, ["predictors", *chosen], catch_exceptions=False)
    losses: dict[str, dict[str, float]] = {}
    with (tmp_path / "predictors.csv").open() as stream:
        for row in csv.DictReader(stream):
            if row["trace"] == ALL:
                of_class = losses.setdefault(row["kind"], dict.fromkeys(CONTESTANTS, 0.0))
                of_class[row["predictor"]] += float(row["log_loss"])
    best = {kind: min(of_class, key=of_class.__getitem__) for kind, of_class in losses.items()}
    assert best == dict.fromkeys([*CLASSES, ALL], "mixture")


@pytest.mark.slow
@here
@pytest.mark.parametrize("horizon_s", [10.0, 60.0, 600.0])
def test_the_mixture_has_a_quarter_less_log_loss_than_poisson(horizon_s: float) -> None:
    trace = read_traces(TRACES)["azure2019_24h_sample"]
    trace = trace.only(in_folds(trace, TEST))
    rng = np.random.default_rng(0)
    arrivals = spread(trace, rng, 60)
    times_s = moments(trace.start_s, trace.end_s - horizon_s, 60.0, rng)
    mixture, poisson = (
        score(predictor, arrivals, len(trace.names), times_s, horizon_s, 3600.0).log_loss.mean()
        for predictor in (MixturePredictor(), PoissonPredictor())
    )
    assert mixture < 0.75 * poisson
