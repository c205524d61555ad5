"""Small traces and workloads."""

import numpy as np

from bench.replay.profiles import STARTS, ProfileFile
from bench.replay.workload import Draw, Workload, draw_workload
from bench.traces.minutes import MinuteTrace

COSTS = STARTS["private"]()
SHARED = STARTS["shared"]()


def trace(n_functions: int = 12, minutes: int = 15) -> MinuteTrace:
    """Some call every minute, some now and then, one never twice."""
    rng = np.random.default_rng(7)
    counts = rng.poisson(rng.uniform(0.05, 3.0, n_functions)[:, None], (n_functions, minutes))
    names = tuple(f"o{index % 4}/a/f{index}/http" for index in range(n_functions))
    return MinuteTrace(names, 480, counts.astype(np.int32))


def workload(
    functions: int = 20, seed: int = 1, owners: int = 3, costs: ProfileFile = COSTS
) -> Workload:
    rng = np.random.default_rng(seed)
    return draw_workload(trace(), costs, Draw(functions, owners, 5, 15), rng)
