"""A small network over the last gaps, trained on traces.

The intensity of the next call as a neural function of the history is that of Omi, Ueda and Aihara,
"Fully Neural Network based Model for General Temporal Point Processes", NeurIPS 2019, which also
models the cumulative hazard; here it is a sum of non-negative increments.
"""

from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from predictors.arrival import features, network
from predictors.arrival.base import BasePredictor, Calls, Field
from predictors.arrival.features import Histories, Moment
from predictors.arrival.forecast import MAX_ARRIVALS
from predictors.arrival.jit import kernel
from predictors.arrival.rows import share

CHECKPOINT = Path(__file__).with_name("neural.npz")
BLOCK = 16
"""Functions whose features and hidden units stay in a processor's nearest memory with a layer."""


class Layers(NamedTuple):
    """The network, float32, its weights laid out as ``network`` takes them."""

    weight0: NDArray[np.float32]
    bias0: NDArray[np.float32]
    weight1: NDArray[np.float32]
    bias1: NDArray[np.float32]
    weight2: NDArray[np.float32]
    bias2: NDArray[np.float32]


class Room(NamedTuple):
    """Where the network writes what it works out of ``BLOCK`` functions."""

    rows: NDArray[np.float32]
    used: NDArray[np.int64]
    hidden0: NDArray[np.float32]
    hidden1: NDArray[np.float32]
    hazards: NDArray[np.float32]


class NeuralPredictor(BasePredictor):
    """Cumulative hazards by a network, which makes all chances grow with the horizon.

    From what ``features`` describes, two hidden layers give for each interval between knots on
    the axis of time ahead four non-negative increments of hazard: of a first call, and of a
    second, third and fourth given that the one before came within the horizon. Training needs
    torch (``bench/predictors/train.py``), the forward pass does not.

    Parameters
    ----------
    checkpoint
        The trained weights; the shipped ones by default.
    levels
        Quantiles of the next arrival to give with each forecast.
    """

    def __init__(self, checkpoint: Path = CHECKPOINT, levels: tuple[float, ...] = ()) -> None:
        self.checkpoint = checkpoint
        super().__init__(levels)

    @cached_property
    def _layers(self) -> Layers:
        with np.load(self.checkpoint) as arrays:
            return Layers(
                network.laid_out(arrays["weight0"]),
                arrays["bias0"],
                network.laid_out(arrays["weight1"]),
                arrays["bias1"],
                network.laid_out(arrays["weight2"]),
                network.laid_out(arrays["bias2"]),
            )

    def _fields(self) -> dict[str, Field]:
        return {
            "known": Field((), np.int64),
            "gaps_s": Field((features.GAPS,), np.float32),
            "likeness": Field((features.GAPS, 2), np.float32),
            "summary": Field((features.SUMMARY,), np.float32),
            "log_rates": Field((len(features.MEMORIES_S),), np.float32, -np.inf),
            "minute_hits": Field((features.MINUTES + 1,), np.float32),
            "last_minute": Field((), np.int64, -1),
        }

    @property
    def _histories(self) -> Histories:
        return Histories(*(self._state[name] for name in Histories._fields))

    def _fold(self, calls: Calls) -> None:
        features.fold(calls.functions, calls.at_s, calls.gap_s, self._histories)

    def describe(self, now_s: float) -> NDArray[np.float32]:
        """Return the input of the network, float32[n, features]."""
        self._flush()
        rows = np.empty((self.count, features.FEATURES), np.float32)
        moment = features.moment(now_s, now_s - self._since_s(now_s))
        _describe(self._histories, self._waited_s(now_s, np.arange(self.count)), moment, rows)
        return rows

    def _at_least(
        self, now_s: float, horizon_s: float, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        at_least = np.empty((len(rows), MAX_ARRIVALS))
        moment = features.moment(now_s, now_s - self._since_s(now_s))
        waited_s, covered = self._waited_s(now_s, rows), coverage(horizon_s)
        known, layers = self._histories, self._layers

        def answer(first: int, last: int) -> None:
            room = _room(layers, len(covered))
            _answer(first, last, rows, known, waited_s, moment, layers, covered, room, at_least)

        share(answer, len(rows))
        return at_least


def coverage(horizon_s: float) -> NDArray[np.float32]:
    """Return how much of each interval that the horizon reaches lies within it.

    Beyond the last knot the hazard of the last interval goes on, so that its share exceeds one.
    """
    widths_s = np.diff(features.KNOTS_S)
    share = np.clip((horizon_s - features.KNOTS_S[:-1]) / widths_s, 0.0, None)
    share[:-1] = np.minimum(share[:-1], 1.0)
    return share[share > 0.0].astype(np.float32)


def _room(layers: Layers, intervals: int) -> Room:
    return Room(
        np.empty((BLOCK, features.FEATURES), np.float32),
        np.empty(features.FEATURES // 4, np.int64),
        np.empty((BLOCK, len(layers.bias0)), np.float32),
        np.empty((BLOCK, len(layers.bias1)), np.float32),
        np.empty(network.whole_vectors(intervals * MAX_ARRIVALS), np.float32),
    )


@kernel
def _describe(
    histories: Histories,
    waited_s: NDArray[np.float64],
    moment: Moment,
    rows: NDArray[np.float32],
) -> None:
    for function in range(len(waited_s)):
        features.describe(histories, function, waited_s[function], moment, rows[function])


@kernel
def _answer(
    first: int,
    last: int,
    rows: NDArray[np.int64],
    histories: Histories,
    waited_s: NDArray[np.float64],
    moment: Moment,
    layers: Layers,
    covered: NDArray[np.float32],
    room: Room,
    at_least: NDArray[np.float64],
) -> None:
    """Take blocks of functions through one layer after the other, so that its weights are near."""
    inputs, used, hidden0, hidden1, hazards = room
    for start in range(first, last, BLOCK):
        places = range(start, min(start + BLOCK, last))
        for place in places:
            row = inputs[place - start]
            features.describe(histories, rows[place], waited_s[place], moment, row)
        for i in range(len(places)):
            network.sparse(inputs[i], layers.weight0, layers.bias0, used, hidden0[i])
        for i in range(len(places)):
            network.dense(hidden0[i], layers.weight1, layers.bias1, hidden1[i])
        for place in places:
            hidden = hidden1[place - start]
            network.chances(hidden, layers.weight2, layers.bias2, covered, hazards, at_least[place])
