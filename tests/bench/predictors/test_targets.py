"""What the default predictor reaches on the shared traces."""

import os
from pathlib import Path

import numpy as np
import pytest

from bench.predictors.data import read_traces
from bench.predictors.folds import TEST, in_folds
from bench.predictors.walk import moments, score
from bench.traces.spread import spread
from predictors.arrival.mixture import MixturePredictor
from predictors.arrival.poisson import PoissonPredictor

SHARED = Path(__file__).parents[4] / "shared" / "data"
TRACES = Path(os.environ.get("HEADSTART_DATA", SHARED)) / "traces"


@pytest.mark.slow
@pytest.mark.skipif(not TRACES.is_dir(), reason=f"no traces in {TRACES}, see HEADSTART_DATA")
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
