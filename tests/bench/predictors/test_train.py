"""Training the network."""

from pathlib import Path

import numpy as np
import pytest

from bench.predictors.examples import examples
from predictors.arrival.neural import NeuralPredictor
from tests.bench.predictors.small import some_counts, trace_of

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def test_training_lowers_the_loss_and_the_shipped_forward_pass_agrees(tmp_path: Path) -> None:
    from bench.predictors import train

    trace = trace_of(some_counts(200, 1000, 6))
    rows = examples(trace, 1200.0, 1.0, np.random.default_rng(0))
    losses: list[float] = []
    network = train.train(rows, 4, 1, lambda _, loss: losses.append(loss))
    assert losses[-1] < losses[0]
    train.save(network, tmp_path / "weights.npz")

    predictor = NeuralPredictor(tmp_path / "weights.npz")
    predictor.resize(3)
    for function, at_s in [(0, 10.0), (1, 20.0), (0, 70.0), (1, 75.0), (0, 130.0), (1, 131.0)]:
        predictor.observe(function, at_s)
    for horizon_s in (0.5, 10.0, 60.0, 600.0, 20_000.0):
        found = predictor.forecast(140.0, horizon_s).at_least
        with torch.no_grad():
            hazard = network(torch.from_numpy(predictor.describe(140.0)))
            expected = train.chances(hazard, torch.full((3, 1), horizon_s))[:, 0].numpy()
        assert found == pytest.approx(expected, abs=2e-5)


def test_validation_reports_every_horizon() -> None:
    from bench.predictors import train

    rows = examples(trace_of(some_counts(20, 600, 7)), 1200.0, 1.0, np.random.default_rng(0))
    found = train.validate(train.Network(), rows)
    assert list(found) == list(train.HORIZONS_S)
    assert all(loss > 0 for loss in found.values())
