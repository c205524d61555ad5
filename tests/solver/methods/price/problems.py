"""Small random problems with every feature of the model."""

from itertools import count
from typing import Any

import numpy as np

from solver import InvalidProblem, Problem
from solver.pairs import Rows


def random_problem(
    seed: int, *, libraries: int = 2, survivals: bool = True, gpus: bool = True
) -> Problem:
    """Draw a problem of up to 8 functions and 4 instances, with held, pinned and banned pairs."""
    rng = np.random.default_rng(seed)
    n_owners, n_functions = int(rng.integers(1, 4)), int(rng.integers(1, 9))
    n_instances, n_gpus, n_ranks = (int(rng.integers(1, high)) for high in (5, 3, 4))
    n_gpus, n_tiers = (n_gpus, 2) if gpus else (0, 1)
    modes = [
        (function, tier)
        for function in range(n_functions)
        for tier in rng.permutation(n_tiers)[: rng.integers(1, 3)]
    ]
    modes.sort()
    on_gpu = np.array([tier for _, tier in modes])
    n_modes = len(modes)
    n_libraries = int(rng.integers(0, libraries + 1))
    problem: dict[str, Any] = {
        "owner_names": _names("u", n_owners),
        "function_names": _names("f", n_functions),
        "function_owner": rng.integers(0, n_owners, n_functions),
        "function_library": rng.integers(-1, n_libraries, n_functions),
        "copies": -np.sort(-rng.random((n_functions, n_ranks)), axis=1),
        "mode_function": np.array([function for function, _ in modes]),
        "mode_tier": on_gpu,
        "mode_memory_bytes": rng.integers(0, 60, n_modes),
        "mode_gpu_memory_bytes": np.where(on_gpu == 1, rng.integers(0, 60, n_modes), 0),
        "mode_saving_s": 3 * rng.random(n_modes),
        "mode_load_cost_s": 0.3 * rng.random(n_modes),
        "library_names": _names("l", n_libraries),
        "library_memory_bytes": rng.integers(0, 50, n_libraries),
        "instance_names": _names("i", n_instances),
        "instance_owner": rng.integers(0, n_owners, n_instances),
        "instance_free_memory_bytes": rng.integers(0, 150, n_instances),
        "instance_gpu": rng.integers(-1, n_gpus, n_instances),
        "instance_survival": rng.random(n_instances) if survivals else np.ones(n_instances),
        "gpu_names": _names("k", n_gpus),
        "gpu_free_memory_bytes": rng.integers(0, 150, n_gpus),
    }
    allowed = Problem(**problem).pairs
    pairs = rng.permutation(allowed.rows(np.arange(len(allowed))))
    parts = np.array_split(pairs, 4)
    return Problem(
        **problem,
        held=_together(problem, np.concatenate(parts[:2])),
        pinned=_together(problem, parts[2][:2]),
        forbidden=parts[3][: rng.integers(0, 3)],
        load_cost_pairs=pairs[::3],
        load_cost_s=rng.random(len(pairs[::3])),
    )


def small_problem(seed: int, most_pairs: int = 12, *, gpus: bool = True) -> Problem:
    """Draw again until there are so few pairs that every plan can be tried."""
    draws = (random_problem(1000 * seed + number, gpus=gpus) for number in count())
    return next(problem for problem in draws if len(problem.pairs) <= most_pairs)


def _together(problem: dict[str, Any], rows: Rows) -> Rows:
    """Keep the rows that can be in place at the same time, first come first served."""
    kept: list[Rows] = []
    for row in rows:
        try:
            Problem(**problem, held=np.array([*kept, row]))
        except InvalidProblem:
            continue
        kept.append(row)
    return np.array(kept, dtype=np.int32).reshape(-1, 2)


def _names(prefix: str, count: int) -> tuple[str, ...]:
    return tuple(f"{prefix}{n}" for n in range(count))
