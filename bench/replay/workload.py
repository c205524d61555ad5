"""Functions and calls of one replay, drawn from a trace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.replay.profiles import ProfileFile
from bench.traces.minutes import MinuteTrace, gap_cv
from bench.traces.spread import Arrivals, spread
from executor.domain import Function
from executor.units import MIB

OWNER_EXPONENT: Final = -0.6
"""Weight of the o-th owner is o to this power, as in the solver's random instances."""
RUN_SPREAD: Final = 0.2
"""Standard deviation of the logarithm of a model's inference times."""
HOT_PER_MIN: Final = 1.0
MEDIUM_PER_MIN: Final = 0.1
PREDICTABLE_CV: Final = 0.1
BURSTY_CV: Final = 1.0


@dataclass(frozen=True, slots=True)
class Workload:
    """What is called when, and how long each call's inference takes.

    Attributes
    ----------
    functions
        In the order that ``arrivals`` counts them by.
    models
        The model of each function.
    arrivals
        The calls.
    run_s
        float64[n_calls], inference time of each.
    popularity, regularity
        Class of each function: hot (a call a minute or more on average), medium (one in ten
        minutes), rare; and predictable, normal or bursty by the coefficient of variation of the
        gaps between its active minutes (below 0.1, from 1), unknown with fewer than 4 of those.
    """

    functions: tuple[Function, ...]
    models: Mapping[str, str]
    arrivals: Arrivals
    run_s: NDArray[np.float64]
    popularity: tuple[str, ...]
    regularity: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draw:
    """How a workload is drawn.

    Parameters
    ----------
    functions
        How many.
    owners
        How many owners share them; 0 gives each function the owner that the trace names.
    cap_per_min
        Calls of one function in one minute that count; the rest is left out.
    minutes
        Length, from the trace's beginning.
    """

    functions: int
    owners: int
    cap_per_min: int
    minutes: int


def draw_workload(
    trace: MinuteTrace, costs: ProfileFile, draw: Draw, rng: np.random.Generator
) -> Workload:
    """Draw functions from a trace's rows, an owner and a model for each, and the times of calls.

    When more functions are asked for than there are rows, rows come again, turned by a random
    number of minutes so that copies do not call in step.
    """
    rows = _rows(len(trace.names), draw.functions, rng)
    counts = np.minimum(trace.counts[rows, : draw.minutes], draw.cap_per_min)
    for position in range(len(trace.names), len(rows)):
        counts[position] = np.roll(counts[position], int(rng.integers(draw.minutes)))
    models = rng.choice(sorted(costs.models), draw.functions)
    owners = _owners([trace.names[row] for row in rows], draw.owners, rng)
    functions = tuple(
        _function(f"f{index}", owners[index], str(models[index]), costs)
        for index in range(draw.functions)
    )
    names = tuple(one.name for one in functions)
    arrivals = spread(MinuteTrace(names, trace.first_minute, counts), rng)
    means_s = np.array([costs.models[str(model)].run_s for model in models])
    noise = rng.lognormal(-(RUN_SPREAD**2) / 2, RUN_SPREAD, len(arrivals.at_s))
    return Workload(
        functions,
        dict(zip(names, map(str, models), strict=True)),
        arrivals,
        means_s[arrivals.functions] * noise,
        tuple(_popularity(rate) for rate in counts.mean(axis=1)),
        tuple(_regularity(variation) for variation in gap_cv(counts)),
    )


def _rows(available: int, wanted: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw rows without replacement, in rounds."""
    rounds = [rng.permutation(available) for _ in range(-(-wanted // available))]
    return np.concatenate(rounds)[:wanted].astype(np.intp)


def _owners(names: Sequence[str], count: int, rng: np.random.Generator) -> list[str]:
    if count == 0:
        return [name.split("/")[0] for name in names]
    weights = np.arange(1, count + 1) ** OWNER_EXPONENT
    drawn = rng.choice(count, len(names), p=weights / weights.sum())
    return [f"o{owner}" for owner in drawn]


def _function(name: str, owner: str, model: str, costs: ProfileFile) -> Function:
    known = costs.models[model]
    return Function(name, owner, known.limit_mib * MIB, costs.profile(model), library=known.library)


def _popularity(per_min: float) -> str:
    if per_min >= HOT_PER_MIN:
        return "hot"
    return "medium" if per_min >= MEDIUM_PER_MIN else "rare"


def _regularity(variation: float) -> str:
    if np.isnan(variation):
        return "unknown"
    if variation < PREDICTABLE_CV:
        return "predictable"
    return "bursty" if variation >= BURSTY_CV else "normal"
