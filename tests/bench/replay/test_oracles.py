"""Published and impossible predictors."""

import numpy as np
import pytest

from bench.replay.oracles import Certain, Clairvoyant, InstaInferPredictor
from bench.traces.spread import Arrivals


def instainfer(gap_s: float, waited_s: float, *, loaded: bool = False) -> float:
    predictor = InstaInferPredictor(lambda rows: np.full(len(rows), loaded))
    predictor.resize(1)
    last_s = 0.0
    for call in range(37):
        last_s = call * gap_s
        predictor.observe(0, last_s)
    return float(predictor.forecast(last_s + waited_s, 1.0).at_least[0, 0])


def test_instainfer_loads_from_6_percent_and_gives_up_from_94() -> None:
    # With a call in 100 s, F reaches 6 % after 6.2 s and 94 % after 281 s; F(60 s) is 45 %.
    assert instainfer(100.0, 5.0) == 0.0
    assert instainfer(100.0, 8.0) == pytest.approx(0.45, abs=0.02)
    assert instainfer(100.0, 200.0) == pytest.approx(0.45, abs=0.02)
    assert instainfer(100.0, 310.0) == 0.0


def test_instainfer_keeps_what_is_loaded_up_to_94_percent() -> None:
    assert instainfer(100.0, 1.0, loaded=True) == pytest.approx(0.45, abs=0.02)
    assert instainfer(100.0, 310.0, loaded=True) == 0.0


def test_instainfer_ranks_by_the_rate_and_not_by_the_wait() -> None:
    assert instainfer(10.0, 1.0) > instainfer(50.0, 100.0)


def test_instainfer_thinks_of_one_call_at_a_time() -> None:
    predictor = InstaInferPredictor(lambda rows: np.zeros(len(rows), np.bool_))
    predictor.resize(1)
    for call in range(10):
        predictor.observe(0, call * 10.0)
    assert predictor.forecast(100.0, 1.0).at_least[0, 1:].tolist() == [0.0, 0.0, 0.0]


def test_the_certain_are_always_certain() -> None:
    predictor = Certain()
    predictor.resize(3)
    assert predictor.forecast(5.0, 1.0).at_least.tolist() == [[1.0] * 4] * 3


def test_the_clairvoyant_counts_what_is_to_come_by_its_distance() -> None:
    arrivals = Arrivals(np.array([0, 1, 0, 0]), np.array([10.0, 12.0, 20.0, 40.0]))
    predictor = Clairvoyant(arrivals, 3)
    predictor.resize(3)
    first = predictor.forecast(10.0, 10.0).at_least
    assert first[0].tolist() == pytest.approx([np.exp(-1.0), np.exp(-3.0), 0.0, 0.0])
    assert first[1].tolist() == pytest.approx([np.exp(-0.2), 0.0, 0.0, 0.0])
    assert first[2].tolist() == [0.0] * 4
    assert predictor.forecast(40.0, 10.0).at_least[0].tolist() == [0.0] * 4
