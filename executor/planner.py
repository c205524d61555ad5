"""From what is seen and forecast to a placement problem, and from its answer to wishes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from executor.domain import Function, Instance, InstanceState, ResidencyState, Tier
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
    held = {name for one in idle for name in one.residencies}
    rows = [
        row
        for row, (function, chance) in enumerate(
            zip(snapshot.functions.values(), chances[:, 0].tolist(), strict=True)
        )
        if function.owner in owners
        and (chance > CHURN_COST_RATIO or (chance > LEAST_WORTH and function.name in held))
    ]
    if not rows:
        return None
    everything = list(snapshot.functions.values())
    functions = [everything[row] for row in rows]
    libraries = _libraries(functions)
    free_bytes = [capacity_bytes(one, reserve_bytes) for one in idle]
    ready_s = np.array([one.profile.ready_s for one in functions])
    groups = {name: row for row, name in enumerate(libraries)}
    return Problem(
        owner_names=tuple(owners),
        function_names=tuple(one.name for one in functions),
        function_owner=np.array([owners[one.owner] for one in functions], np.int32),
        function_library=np.array(
            [-1 if one.library is None else groups[one.library] for one in functions], np.int32
        ),
        copies=chances[rows],
        mode_function=np.arange(len(functions), dtype=np.int32),
        mode_tier=np.zeros(len(functions), np.int8),
        mode_memory_bytes=np.array([one.profile.memory_bytes for one in functions], np.int64),
        mode_gpu_memory_bytes=np.zeros(len(functions), np.int64),
        mode_saving_s=ready_s,
        mode_load_cost_s=CHURN_COST_RATIO * ready_s,
        library_names=tuple(libraries),
        library_memory_bytes=np.array(list(libraries.values()), np.int64),
        instance_names=tuple(one.id for one in idle),
        instance_owner=np.array([owners[one.owner] for one in idle], np.int32),
        instance_free_memory_bytes=np.array(free_bytes, np.int64),
        instance_gpu=np.full(len(idle), -1, np.int32),
        instance_survival=np.array([survival[one.id] for one in idle]),
        gpu_names=(),
        gpu_free_memory_bytes=np.zeros(0, np.int64),
        held=np.array(_held_rows(idle, functions, libraries, free_bytes), np.int32).reshape(-1, 2),
    )


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


def _held_rows(
    idle: list[Instance],
    functions: list[Function],
    libraries: Mapping[str, int],
    free_bytes: list[int],
) -> list[tuple[int, int]]:
    known = {function.name: row for row, function in enumerate(functions)}
    return [
        (known[function.name], place)
        for place, instance in enumerate(idle)
        for function in _held(instance, known, functions, libraries, free_bytes[place])
    ]


def _libraries(functions: list[Function]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for function in functions:
        if function.library is not None:
            size = function.profile.library_bytes
            sizes[function.library] = max(sizes.get(function.library, 0), size)
    return sizes


def _held(
    instance: Instance,
    known: Mapping[str, int],
    functions: list[Function],
    libraries: Mapping[str, int],
    free_bytes: int,
) -> Iterator[Function]:
    """Give what an instance holds, as far as it fits by the profiles that loads are planned with.

    Footprints are measured anew all the time, so that what is held may seem to need more than
    there is; the rest is then planned as if it had to be loaded, and stays if it is.
    """
    groups: set[str] = set()
    for residency in instance.residencies.values():
        row = known.get(residency.function)
        if row is None or residency.state is ResidencyState.OFFLOADING:
            continue
        function = functions[row]
        size_bytes = function.profile.memory_bytes
        if function.library is not None and function.library not in groups:
            size_bytes += libraries[function.library]
        if size_bytes <= free_bytes:
            free_bytes -= size_bytes
            groups |= {function.library} if function.library is not None else set()
            yield function
