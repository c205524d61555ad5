"""An independent check of plans: shares no code with the methods or the problem's own checks."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver.compiled import compiled
from solver.errors import InvalidPlan
from solver.plan import Plan
from solver.problem import Problem

TOLERANCE: Final = 1e-6
"""Relative error allowed in a stated objective or bound: rounding of float64 sums."""


def verify(problem: Problem, plan: Plan) -> float:
    """Recompute feasibility and objective of a plan from the problem's columns.

    Returns
    -------
    float
        The recomputed objective, in expected seconds saved.

    Raises
    ------
    InvalidPlan
        Naming everything that is wrong: rows that are not pairs of the problem, a broken owner,
        pin, ban, memory or GPU memory, a function twice in an instance, a wrong objective, a
        bound below it.
    """
    wrong = list(_malformed(problem, plan.pairs))
    if wrong:
        raise InvalidPlan("; ".join(wrong))
    mode = plan.pairs[:, 0].astype(np.int64)
    instance = plan.pairs[:, 1].astype(np.int64)
    wrong += _misplaced(problem, mode, instance)
    wrong += _overfull(problem, mode, instance)
    on_gpu = problem.mode_tier[mode] == 1
    if on_gpu.any():
        wrong += _overfull_gpus(problem, mode[on_gpu], instance[on_gpu])
    worth = recompute_objective(problem, mode, instance)
    wrong += _misstated(plan, worth)
    if wrong:
        raise InvalidPlan("; ".join(wrong))
    return worth


def recompute_objective(
    problem: Problem, mode: NDArray[np.int64], instance: NDArray[np.int64]
) -> float:
    """Return the worth of placed pairs: rank values by falling worth, less new load costs."""
    value = problem.mode_saving_s[mode] * problem.instance_survival[instance]
    earned = _earned(problem.mode_function[mode], value, problem.copies)
    cost = _load_cost(
        _key(problem, mode, instance),
        problem.mode_load_cost_s[mode],
        _key(problem, *problem.load_cost_pairs.T),
        problem.load_cost_s,
        _key(problem, *problem.held.T),
    )
    return float(earned - cost)


def _malformed(problem: Problem, pairs: object) -> Iterator[str]:
    if not isinstance(pairs, np.ndarray) or pairs.ndim != 2 or pairs.shape[1] != 2:
        yield "pairs are not rows (mode, instance)"
    elif not np.issubdtype(pairs.dtype, np.integer):
        yield f"pairs are {pairs.dtype}, not whole numbers"
    elif len(pairs) and (pairs.min() < 0 or np.any(pairs.max(axis=0) >= _ends(problem))):
        yield "a pair names an unknown mode or instance"


def _ends(problem: Problem) -> tuple[int, int]:
    return len(problem.mode_function), len(problem.instance_names)


def _misplaced(
    problem: Problem, mode: NDArray[np.int64], instance: NDArray[np.int64]
) -> Iterator[str]:
    function = problem.mode_function[mode].astype(np.int64)
    stray = problem.function_owner[function] != problem.instance_owner[instance]
    for row in np.flatnonzero(stray):
        yield f"{_name(problem, mode[row], instance[row])} belongs to another owner"
    key = _key(problem, mode, instance)
    banned = _key(problem, *problem.forbidden.T)
    for one in banned[_places(banned, np.sort(key)) >= 0]:
        yield f"{_named(problem, one)} is forbidden"
    if len(problem.pinned):
        for missing in np.setdiff1d(_key(problem, *problem.pinned.T), key):
            yield f"{_named(problem, missing)} is pinned but not placed"
    place = np.sort(function * len(problem.instance_names) + instance)
    for cell in dict.fromkeys(place[1:][place[1:] == place[:-1]].tolist()):
        f, i = divmod(cell, len(problem.instance_names))
        yield f"{problem.function_names[f]} is {problem.instance_names[i]}'s more than once"


def _overfull(
    problem: Problem, mode: NDArray[np.int64], instance: NDArray[np.int64]
) -> Iterator[str]:
    used = np.zeros(len(problem.instance_names), dtype=np.int64)
    np.add.at(used, instance, problem.mode_memory_bytes[mode])
    library = problem.function_library[problem.mode_function[mode]].astype(np.int64)
    shared = library >= 0
    if shared.any():
        setups = np.unique(library[shared] * len(used) + instance[shared])
        which, where = np.divmod(setups, len(used))
        np.add.at(used, where, problem.library_memory_bytes[which])
    for i in np.flatnonzero(used > problem.instance_free_memory_bytes):
        free = problem.instance_free_memory_bytes[i]
        yield f"{problem.instance_names[i]} needs {used[i]} bytes of {free}"


def _overfull_gpus(
    problem: Problem, mode: NDArray[np.int64], instance: NDArray[np.int64]
) -> Iterator[str]:
    gpu = problem.instance_gpu[instance]
    for i in instance[gpu < 0]:
        yield f"{problem.instance_names[i]} has no GPU"
    used = np.zeros(len(problem.gpu_names), dtype=np.int64)
    np.add.at(used, gpu[gpu >= 0], problem.mode_gpu_memory_bytes[mode[gpu >= 0]])
    for k in np.flatnonzero(used > problem.gpu_free_memory_bytes):
        yield f"{problem.gpu_names[k]} needs {used[k]} bytes of {problem.gpu_free_memory_bytes[k]}"


def _misstated(plan: Plan, worth: float) -> Iterator[str]:
    slack = TOLERANCE * max(1.0, abs(worth))
    if not abs(plan.objective - worth) <= slack:
        yield f"objective is stated as {plan.objective}, but is {worth}"
    if not plan.bound >= worth - slack:
        yield f"bound {plan.bound} lies below the objective {worth}"


@compiled
def _earned(
    function: NDArray[np.int32], value: NDArray[np.float64], copies: NDArray[np.float64]
) -> float:
    """Add up what residencies earn, the best of each function the chance of a first call."""
    order = np.argsort(-value, kind="mergesort")
    placed = np.zeros(len(copies), np.int64)
    earned = 0.0
    for row in order:
        rank = placed[function[row]]
        placed[function[row]] += 1
        if rank < copies.shape[1]:
            earned += copies[function[row], rank] * value[row]
    return earned


@compiled
def _load_cost(
    keys: NDArray[np.int64],
    cost: NDArray[np.float64],
    priced: NDArray[np.int64],
    price: NDArray[np.float64],
    held: NDArray[np.int64],
) -> float:
    """Add up load costs of pairs: their modes', or their own, or nothing for what is held.

    ``cost`` is overwritten.
    """
    order = np.argsort(keys)
    ascending = keys[order]
    places = np.searchsorted(ascending, priced)
    for row in range(len(priced)):
        if places[row] < len(keys) and ascending[places[row]] == priced[row]:
            cost[order[places[row]]] = price[row]
    places = np.searchsorted(ascending, held)
    for row in range(len(held)):
        if places[row] < len(keys) and ascending[places[row]] == held[row]:
            cost[order[places[row]]] = 0.0
    return float(cost.sum())


def _places(keys: NDArray[np.int64], ascending: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where keys are among others that are sorted, -1 where they are not."""
    if not len(ascending):
        return np.full(len(keys), -1)
    place = np.minimum(np.searchsorted(ascending, keys), len(ascending) - 1)
    return np.where(ascending[place] == keys, place, -1)


def _key(
    problem: Problem, mode: NDArray[np.integer], instance: NDArray[np.integer]
) -> NDArray[np.int64]:
    return mode.astype(np.int64) * len(problem.instance_names) + instance


def _named(problem: Problem, key: np.int64) -> str:
    return _name(problem, *np.divmod(key, len(problem.instance_names)))


def _name(problem: Problem, mode: np.int64, instance: np.int64) -> str:
    function = problem.function_names[problem.mode_function[mode]]
    return f"mode {mode} of {function} in {problem.instance_names[instance]}"
