"""Training examples: what was known of functions at random times, and what came next."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.predictors.folds import in_folds
from bench.traces.minutes import MinuteTrace
from bench.traces.spread import Arrivals, spread
from predictors.arrival.features import KNOTS_S
from predictors.arrival.forecast import MAX_ARRIVALS
from predictors.arrival.neural import NeuralPredictor

CHUNK = 100
MAX_PER_MINUTE = 60
WARM_UP_S = 600.0
STRETCHES = (1.0, 1.0, 1.0, 1.0, 5.0)
FARTHEST_S = float(KNOTS_S[-1])
EVERY_S = 1200.0
DRAWS = {
    "azure2019_24h_sample": (1.0, 5),
    "azure2019_24h_patterns": (0.8, 1),
    "azure2019_8h_functions": (1.0, 10),
}


@dataclass(frozen=True, slots=True)
class Examples:
    """Rows for the network.

    Attributes
    ----------
    features
        float32[n, FEATURES].
    next_s
        float32[n, 4], time until each of the next four calls, ``inf`` when not seen.
    seen_s
        float32[n], how far ahead the trace goes.
    """

    features: NDArray[np.float32]
    next_s: NDArray[np.float32]
    seen_s: NDArray[np.float32]


def of_traces(
    traces: Mapping[str, MinuteTrace], wanted: tuple[int, ...], rng: np.random.Generator
) -> Examples:
    """Describe the functions of some folds, with new times within the minutes at each draw."""
    parts = []
    for name, trace in traces.items():
        share, draws = DRAWS[name]
        chosen = trace.only(in_folds(trace, wanted))
        parts += [examples(chosen, EVERY_S, share, rng) for _ in range(draws)]
    return join(parts)


def examples(
    trace: MinuteTrace, every_s: float, share: float, rng: np.random.Generator
) -> Examples:
    """Walk through a trace and describe a random share of its functions every so often.

    A fifth of the functions have their time stretched fivefold, so that the network sees gaps
    longer than the trace.
    """
    rows = rng.permutation(len(trace.names))
    parts = []
    for first in range(0, len(rows), CHUNK):
        chunk = trace.only(rows[first : first + CHUNK])
        stretch = STRETCHES[first // CHUNK % len(STRETCHES)]
        parts += _chunk_examples(chunk, stretch, every_s * stretch, share, rng)
    return join(parts)


def join(parts: list[Examples]) -> Examples:
    """Return all rows."""
    return Examples(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.next_s for part in parts]),
        np.concatenate([part.seen_s for part in parts]),
    )


def _chunk_examples(
    chunk: MinuteTrace, stretch: float, every_s: float, share: float, rng: np.random.Generator
) -> list[Examples]:
    arrivals = spread(chunk, rng, MAX_PER_MINUTE)
    start_s = chunk.start_s
    end_s = start_s + (chunk.end_s - start_s) * stretch
    arrivals = Arrivals(arrivals.functions, start_s + (arrivals.at_s - start_s) * stretch)
    predictor = NeuralPredictor()
    predictor.resize(len(chunk.names))
    parts, seen_until_s = [], -np.inf
    for base_s in np.arange(start_s + WARM_UP_S, end_s - every_s, every_s):
        now_s = base_s + rng.uniform(0.0, every_s)
        past = arrivals.between(seen_until_s, now_s)
        predictor.observe_many(past.functions, past.at_s)
        seen_until_s = now_s
        rows = np.flatnonzero(rng.random(len(chunk.names)) < share)
        next_s = _next_s(arrivals.between(now_s, now_s + FARTHEST_S), now_s, len(chunk.names))
        seen_s = np.full(len(rows), end_s - now_s, np.float32)
        parts.append(Examples(predictor.describe(now_s)[rows], next_s[rows], seen_s))
    return parts


def _next_s(future: Arrivals, now_s: float, count: int) -> NDArray[np.float32]:
    order = np.argsort(future.functions, kind="stable")
    functions, at_s = future.functions[order], future.at_s[order]
    first = np.searchsorted(functions, np.arange(count))
    last = np.searchsorted(functions, np.arange(count), side="right")
    next_s = np.full((count, MAX_ARRIVALS), np.inf, np.float32)
    for j in range(MAX_ARRIVALS):
        there = first + j < last
        next_s[there, j] = at_s[first[there] + j] - now_s
    return next_s
