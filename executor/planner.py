"""From what is seen and forecast to a placement problem, and from its answer to wishes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from executor.domain import Instance, InstanceState, Tier
from executor.modes import Held, library_bytes, modes
from executor.state import Snapshot
from predictors.arrival.forecast import Forecast
from solver import TIERS, Plan, Problem

CHURN_COST_RATIO = 0.02
"""Cost of a load as a share of the seconds it takes; as in the solver instances of the design.

A function less likely to be called than this is not worth a load and left out, unless it is held.
"""

LEAST_WORTH = 1e-6
"""Functions less likely to be called than this are left out of the problem, held or not."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A residency that the plan wants; ``worth_s`` is what it is expected to save."""

    instance_id: str
    function: str
    tier: Tier
    worth_s: float


def chances(
    snapshot: Snapshot, forecast: Forecast, index: Mapping[str, int]
) -> NDArray[np.float64]:
    """P(N >= j), a row for each function of a snapshot, less what running calls leave behind.

    A busy instance holds its function when it turns idle, long before most horizons end, so it
    serves the first rank already and the plan decides on the ranks after it.
    """
    rows = [index[name] for name in snapshot.functions]
    at_least = forecast.at_least[rows]
    for row, name in enumerate(snapshot.functions):
        copies = snapshot.running.get(name, 0)
        if copies:
            at_least[row] = np.append(at_least[row, copies:], np.zeros(copies))[: at_least.shape[1]]
    return at_least


def build(
    snapshot: Snapshot,
    chances: NDArray[np.float64],
    survival: Mapping[str, float],
    reserve_bytes: int,
) -> Problem | None:
    """State the placement problem of a snapshot; None when nothing can be decided.

    Parameters
    ----------
    snapshot
        What is there; only idle instances are capacity, with what their residencies hold counted
        as free, since those may be taken away.
    chances
        P(N >= j) for j = 1.. of each of its functions within the horizon.
    survival
        Chance of each idle instance to outlive the horizon.
    reserve_bytes
        Memory kept free in each instance.
    """
    idle = [one for one in snapshot.instances.values() if one.state is InstanceState.IDLE]
    owners = {name: row for row, name in enumerate(dict.fromkeys(one.owner for one in idle))}
    rows = _worth_planning(snapshot, chances, idle)
    if not rows:
        return None
    everything = list(snapshot.functions.values())
    functions = [everything[row] for row in rows]
    libraries = library_bytes(functions)
    free_bytes = [capacity_bytes(one, reserve_bytes) for one in idle]
    gpus = {one.gpu: snapshot.gpus[one.gpu] for one in idle if one.gpu is not None}
    gpu_rows: dict[str | None, int] = {gpu: row for row, gpu in enumerate(gpus)} | {None: -1}
    offered = modes(functions, with_gpus=bool(gpus))
    columns = list(zip(*offered, strict=True))
    saving_s = np.array(columns[4])
    holding = Held(functions, offered, libraries, gpus)
    held = [
        (mode, place)
        for place, instance in enumerate(idle)
        for mode in holding.pairs(instance, free_bytes[place])
    ]
    moves = [
        (mode, place, move_s)
        for now, place in held
        for mode, move_s in holding.moves(now, idle[place])
    ]
    groups = {name: row for row, name in enumerate(libraries)}
    return Problem(
        owner_names=tuple(owners),
        function_names=tuple(one.name for one in functions),
        function_owner=np.array([owners[one.owner] for one in functions], np.int32),
        function_library=np.array(
            [-1 if one.library is None else groups[one.library] for one in functions], np.int32
        ),
        copies=chances[rows],
        mode_function=np.array(columns[0], np.int32),
        mode_tier=np.array(columns[1], np.int8),
        mode_memory_bytes=np.array(columns[2], np.int64),
        mode_gpu_memory_bytes=np.array(columns[3], np.int64),
        mode_saving_s=saving_s,
        mode_load_cost_s=CHURN_COST_RATIO * saving_s,
        library_names=tuple(libraries),
        library_memory_bytes=np.array(list(libraries.values()), np.int64),
        instance_names=tuple(one.id for one in idle),
        instance_owner=np.array([owners[one.owner] for one in idle], np.int32),
        instance_free_memory_bytes=np.array(free_bytes, np.int64),
        instance_gpu=np.array([gpu_rows[one.gpu] for one in idle], np.int32),
        instance_survival=np.array([survival[one.id] for one in idle]),
        gpu_names=tuple(gpus),
        gpu_free_memory_bytes=np.array(list(gpus.values()), np.int64),
        held=np.array(held, np.int32).reshape(-1, 2),
        load_cost_pairs=np.array([move[:2] for move in moves], np.int32).reshape(-1, 2),
        load_cost_s=CHURN_COST_RATIO * np.array([move[2] for move in moves], float),
    )


def _worth_planning(
    snapshot: Snapshot, chances: NDArray[np.float64], idle: list[Instance]
) -> list[int]:
    """Return the rows of functions that have instances and are likely enough to be called."""
    owners = {one.owner for one in idle}
    held = {name for one in idle for name in one.residencies}
    likely = zip(snapshot.functions.values(), chances[:, 0].tolist(), strict=True)
    return [
        row
        for row, (function, chance) in enumerate(likely)
        if function.owner in owners
        and (chance > CHURN_COST_RATIO or (chance > LEAST_WORTH and function.name in held))
    ]


def capacity_bytes(instance: Instance, reserve_bytes: int) -> int:
    """Memory that residencies of an instance may take together."""
    return max(0, instance.limit_bytes - instance.base_bytes - reserve_bytes)


def wishes(plan: Plan) -> list[Wish]:
    """Name the residencies of a plan, the most valuable first."""
    problem = plan.problem
    found = []
    ranks: dict[int, int] = {}
    for mode, instance in plan.pairs.tolist():
        function = int(problem.mode_function[mode])
        rank = ranks.get(function, 0)
        ranks[function] = rank + 1
        likely = float(problem.copies[function, rank]) if rank < problem.copies.shape[1] else 0.0
        worth_s = likely * float(problem.mode_saving_s[mode] * problem.instance_survival[instance])
        tier = Tier(TIERS[problem.mode_tier[mode]])
        name = problem.function_names[function]
        found.append(Wish(problem.instance_names[instance], name, tier, worth_s))
    return sorted(found, key=lambda wish: -wish.worth_s)
