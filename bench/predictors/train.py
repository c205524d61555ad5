"""Training of the neural arrival predictor; the only place that needs torch.

The loss is the one it is judged by: the log-loss of P(N >= j), j = 1..4, at horizons from a second
to two hours.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from bench.predictors.examples import Examples
from predictors.arrival.features import FEATURES, INTERVALS, KNOTS_S
from predictors.arrival.forecast import MAX_ARRIVALS

HIDDEN = (64, 32)
BATCH = 2048
PEAK_LEARNING_RATE = 4e-3
WEIGHT_DECAY = 1e-3
HORIZONS_S = (10.0, 60.0, 600.0)
RANDOM_HORIZONS = 3
LONGEST_HORIZON_S = 7200.0
LEAST_CHANCE = 1e-5


class Network(nn.Module):  # type: ignore[misc]
    """Features to increments of hazard, [n, intervals, 4]; the forward pass of ``network``."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Linear(FEATURES, HIDDEN[0]),
                nn.Linear(HIDDEN[0], HIDDEN[1]),
                nn.Linear(HIDDEN[1], INTERVALS * MAX_ARRIVALS),
            ]
        )
        nn.init.zeros_(self.layers[2].weight)
        nn.init.constant_(self.layers[2].bias, -3.0)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the increments of hazard."""
        hidden = functional.relu(self.layers[0](features))
        hidden = functional.relu(self.layers[1](hidden))
        output = self.layers[2](hidden)
        power = (1.0 + output.abs() / 8.0) ** 8
        hazard = torch.where(output > 0.0, power, 1.0 / power)
        return hazard.view(-1, INTERVALS, MAX_ARRIVALS)


def chances(hazard: torch.Tensor, horizon_s: torch.Tensor) -> torch.Tensor:
    """Return P(N >= j), [n, horizons, 4], from hazards and [n, horizons]."""
    knots_s = torch.tensor(KNOTS_S, dtype=torch.float32)
    share = (horizon_s[:, :, None] - knots_s[:-1]) / (knots_s[1:] - knots_s[:-1])
    cumulative = torch.einsum("nbj,nhb->nhj", hazard, share.clamp(0.0, 1.0))
    return torch.cumprod(-torch.expm1(-cumulative), dim=2)


def loss(
    hazard: torch.Tensor, horizon_s: torch.Tensor, next_s: torch.Tensor, seen_s: torch.Tensor
) -> torch.Tensor:
    """Return the mean log-loss over the horizons that the trace covers."""
    chance = chances(hazard, horizon_s).clamp(LEAST_CHANCE, 1.0 - LEAST_CHANCE)
    came = (next_s[:, None, :] <= horizon_s[:, :, None]).float()
    each = functional.binary_cross_entropy(chance, came, reduction="none").mean(dim=2)
    known = (horizon_s <= seen_s[:, None]).float()
    return (each * known).sum() / known.sum()


def train(rows: Examples, epochs: int, seed: int, report: Callable[[int, float], None]) -> Network:
    """Train on the rows; ``report`` hears the epoch and its mean loss."""
    torch.manual_seed(seed)
    features, next_s, seen_s = map(torch.from_numpy, (rows.features, rows.next_s, rows.seen_s))
    network = Network()
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=PEAK_LEARNING_RATE, weight_decay=WEIGHT_DECAY
    )
    steps = len(features) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_LEARNING_RATE, total_steps=epochs * steps
    )
    for epoch in range(epochs):
        order, total = torch.randperm(len(features)), 0.0
        for step in range(steps):
            batch = order[step * BATCH : (step + 1) * BATCH]
            error = loss(network(features[batch]), _horizons(), next_s[batch], seen_s[batch])
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
            schedule.step()
            total += error.item()
        report(epoch, total / steps)
    return network


def validate(network: Network, rows: Examples) -> dict[float, float]:
    """Return the loss by horizon."""
    features, next_s, seen_s = map(torch.from_numpy, (rows.features, rows.next_s, rows.seen_s))
    with torch.no_grad():
        hazard = network(features)
        return {
            horizon_s: loss(
                hazard, torch.full((len(features), 1), horizon_s), next_s, seen_s
            ).item()
            for horizon_s in HORIZONS_S
        }


def _horizons() -> torch.Tensor:
    random_s = torch.exp(torch.rand(BATCH, RANDOM_HORIZONS) * np.log(LONGEST_HORIZON_S))
    return torch.cat([torch.tensor(HORIZONS_S).expand(BATCH, -1), random_s], dim=1)


def save(network: Network, path: Path) -> None:
    """Write the weights as ``neural.NeuralPredictor`` reads them."""
    arrays = {}
    for number, layer in enumerate(network.layers):
        arrays[f"weight{number}"] = layer.weight.detach().numpy().T.copy()
        arrays[f"bias{number}"] = layer.bias.detach().numpy().copy()
    np.savez(path, **arrays)
