"""Walking forward."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.predictors.walk import moments, score, walk
from bench.traces.spread import spread
from predictors.arrival.forecast import Forecast
from predictors.arrival.poisson import PoissonPredictor
from tests.bench.predictors.small import some_counts, trace_of

COUNTS = some_counts(6, 120, 3)
ARRIVALS = spread(trace_of(COUNTS), np.random.default_rng(1))


class Watcher(PoissonPredictor):
    """Knows how many calls it was told of at each forecast."""

    def __init__(self) -> None:
        super().__init__()
        self.told = 0
        self.seen: list[tuple[float, int]] = []

    def observe_many(self, functions: np.ndarray, at_s: np.ndarray) -> None:
        super().observe_many(functions, at_s)
        self.told += len(at_s)

    def forecast(
        self, now_s: float, horizon_s: float, rows: NDArray[np.int64] | None = None
    ) -> Forecast:
        self.seen.append((now_s, self.told))
        return super().forecast(now_s, horizon_s, rows)


def test_moments_increase_within_bounds_at_the_wanted_rate() -> None:
    times_s = moments(1000.0, 101_000.0, 50.0, np.random.default_rng(0))
    assert times_s[0] > 1000.0
    assert times_s[-1] <= 101_000.0
    assert np.all(np.diff(times_s) >= 25.0)
    assert len(times_s) == pytest.approx(2000, rel=0.05)


def test_a_predictor_is_told_the_past_and_only_that() -> None:
    watcher = Watcher()
    times_s = np.array([100.0, 1000.0, 5000.0])
    for now_s, _, came in walk(watcher, ARRIVALS, 6, times_s, 60.0):
        within = (ARRIVALS.at_s > now_s) & (ARRIVALS.at_s <= now_s + 60.0)
        assert came.tolist() == np.bincount(ARRIVALS.functions[within], minlength=6).tolist()
    assert watcher.seen == [(t, int(np.sum(ARRIVALS.at_s <= t))) for t in times_s]


def test_scores_start_after_the_warm_up() -> None:
    times_s = np.array([100.0, 1000.0, 5000.0])
    assert score(PoissonPredictor(), ARRIVALS, 6, times_s, 60.0, 500.0).forecasts == 2
