"""What is walked through."""

import numpy as np
import pytest

from bench.predictors.courses import of_log, of_trace
from bench.traces.requests import RequestLog
from bench.traces.spread import Arrivals
from predictors.arrival.poisson import PoissonPredictor
from tests.bench.predictors.small import some_counts, trace_of


def test_the_first_hour_of_a_trace_is_not_scored() -> None:
    course = of_trace(trace_of(some_counts(4, 180, 1), 60), 60.0, np.random.default_rng(0))
    assert (course.from_s, course.end_s) == (7200.0, 14_400.0)
    assert course.longest_s == 2400.0
    scores = course.score(PoissonPredictor(), 600.0)
    scored = (course.times_s >= 7200.0) & (course.times_s <= 13_800.0)
    assert scores.forecasts == np.sum(scored)
    assert scores.functions == 4


def test_a_log_is_asked_about_a_thousand_times_after_a_tenth_of_it() -> None:
    at_s = np.linspace(500.0, 5500.0, 300)
    log = RequestLog(("a", "b"), Arrivals(np.arange(300) % 2, at_s))
    course = of_log(log, np.random.default_rng(0))
    assert (course.from_s, course.end_s) == (1000.0, 5500.0)
    assert course.score(PoissonPredictor(), 1.0).forecasts == pytest.approx(900, rel=0.05)
