"""From what is seen and forecast to a placement problem, and from its answer to wishes."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from executor.columns import Columns, Rows
from executor.domain import Instance, InstanceState, Tier
from executor.hazard import Exposed, hazard_s
from executor.modes import Held, Modes, modes
from executor.snapshot import Snapshot
from solver import TIERS, Plan, Problem

CHURN_COST_RATIO = 0.05
"""Cost of a load as a share of the seconds it takes. In twenty minutes of the replay 0.05 saved a
tenth of the loads against 0.02, at a mean latency 0.6 to 2.3 % lower.

A function less likely to be called than this is not worth a load and left out, unless it is held.
"""

LEAST_HAZARD_RATIO = 0.1
"""What residents of an instance cost each other is left out below this share of a load's cost: it
would decide nothing, and every pair with a price of its own slows the solver."""

LEAST_WORTH = 1e-6
"""Functions less likely to be called than this are left out of the problem, held or not."""


_TIERS: Final = tuple([Tier(name) for name in TIERS])


class Wish(NamedTuple):
    """A residency that the plan wants; ``worth_s`` is what it is expected to save."""

    instance_id: str
    function: str
    tier: Tier
    worth_s: float


class Outlook(NamedTuple):
    """Functions that may be pre-loaded, and how likely they are to be called.

    Attributes
    ----------
    columns
        Of all functions.
    rows
        Which of them, each once.
    chances : float64[n, J]
        P(N >= j) of each for j = 1.. within the horizon.
    horizon_s
        Its length.
    """

    columns: Columns
    rows: Rows
    chances: NDArray[np.float64]
    horizon_s: float


def outlook(
    columns: Columns,
    rows: Rows,
    at_least: NDArray[np.float64],
    running: Mapping[str, int],
    horizon_s: float,
) -> Outlook:
    """Take from forecast chances what running calls leave behind.

    A busy instance holds its function when it turns idle, long before most horizons end, so it
    serves the first rank already and the plan decides on the ranks after it. Where functions do
    not stay loaded after their calls, nothing is ``running`` in this sense.
    """
    chances = at_least.copy()
    copies = np.zeros(len(columns.names), np.int64)
    copies[[columns.index[name] for name in running]] = list(running.values())
    copies = copies[rows]
    for place in np.flatnonzero(copies):
        left = at_least[place, copies[place] :]
        chances[place, : len(left)] = left
        chances[place, len(left) :] = 0.0
    return Outlook(columns, rows, chances, horizon_s)


def build(
    outlook: Outlook, snapshot: Snapshot, survival: Mapping[str, float], reserve_bytes: int
) -> Problem | None:
    """State the placement problem of a snapshot; None when nothing can be decided.

    Parameters
    ----------
    outlook
        The functions and their chances.
    snapshot
        What is there; only idle instances are capacity, with what their residencies hold counted
        as free, since those may be taken away.
    survival
        Chance of each idle instance to outlive the horizon.
    reserve_bytes
        Memory kept free in each instance.
    """
    idle = [one for one in snapshot.instances.values() if one.state is InstanceState.IDLE]
    columns, (owners, owner) = outlook.columns, _owners(outlook.columns, idle)
    chosen = _worth_planning(outlook, idle, owner)
    if not len(chosen):
        return None
    rows = outlook.rows[chosen]
    names = tuple([columns.names[row] for row in rows.tolist()])
    libraries, library, library_bytes = _libraries(columns, rows)
    free_bytes = [capacity_bytes(one, reserve_bytes) for one in idle]
    gpus = {one.gpu: snapshot.gpus[one.gpu] for one in idle if one.gpu is not None}
    gpu_rows: dict[str | None, int] = {gpu: row for row, gpu in enumerate(gpus)} | {None: -1}
    offered = modes(columns, rows, with_gpus=bool(gpus))
    holding = Held(names, offered, library, library_bytes, gpus)
    held = [
        (mode, place)
        for place, instance in enumerate(idle)
        for mode in holding.pairs(instance, free_bytes[place])
    ]
    moves = [
        (mode, place, CHURN_COST_RATIO * move_s)
        for now, place in (held if gpus else ())
        for mode, move_s in holding.moves(now, idle[place])
    ]
    instance_owner = np.array([owners[one.owner] for one in idle], np.int32)
    function_owner = owner[columns.owner[rows]]
    in_place = np.array(held, np.int32).reshape(-1, 2)
    same_owner = np.argwhere(function_owner[offered.function][:, None] == instance_owner)
    limit_bytes = np.array([one.limit_bytes for one in idle], np.int64)
    roomy = offered.limit_bytes[same_owner[:, 0]] <= limit_bytes[same_owner[:, 1]]
    exposed = Exposed(
        outlook.chances[chosen[offered.function], 0],
        offered.saving_s,
        columns.shares[rows][offered.function],
    )
    dear, dear_s = _hazards(
        offered, exposed, in_place, same_owner[roomy], len(idle), outlook.horizon_s
    )
    moved = np.array([move[:2] for move in moves], np.int32).reshape(-1, 2)
    return Problem(
        owner_names=tuple(owners),
        function_names=names,
        function_owner=function_owner,
        function_library=library,
        copies=outlook.chances[chosen],
        mode_function=offered.function,
        mode_tier=offered.tier,
        mode_memory_bytes=offered.memory_bytes,
        mode_gpu_memory_bytes=offered.gpu_memory_bytes,
        mode_saving_s=offered.saving_s,
        mode_load_cost_s=CHURN_COST_RATIO * offered.saving_s,
        library_names=libraries,
        library_memory_bytes=library_bytes,
        instance_names=tuple([one.id for one in idle]),
        instance_owner=instance_owner,
        instance_free_memory_bytes=np.array(free_bytes, np.int64),
        instance_gpu=np.array([gpu_rows[one.gpu] for one in idle], np.int32),
        instance_survival=np.array([survival[one.id] for one in idle]),
        gpu_names=tuple(gpus),
        gpu_free_memory_bytes=np.array(list(gpus.values()), np.int64),
        held=in_place,
        forbidden=same_owner[~roomy].astype(np.int32),
        load_cost_pairs=np.concatenate([moved, dear]),
        load_cost_s=np.append([move[2] for move in moves], dear_s),
        trusted=True,
    )


def _owners(columns: Columns, idle: list[Instance]) -> tuple[dict[str, int], NDArray[np.int32]]:
    """Give the owners of instances numbers from 0: by name, and by number among all owners."""
    numbers = {name: row for row, name in enumerate(dict.fromkeys(one.owner for one in idle))}
    by_number = np.full(len(columns.owners), -1, np.int32)
    by_number[[columns.owners[name] for name in numbers]] = np.arange(len(numbers))
    return numbers, by_number


def _libraries(
    columns: Columns, rows: Rows
) -> tuple[tuple[str, ...], NDArray[np.int32], NDArray[np.int64]]:
    """Return the names of the functions' library groups, the group of each, and their bytes."""
    names, group = tuple(columns.libraries), columns.library[rows]
    sizes = np.full(len(names) + 1, -1, np.int64)  # the last for functions without a group
    np.maximum.at(sizes, group, columns.library_bytes[rows])
    known = np.flatnonzero(sizes[:-1] >= 0)
    number = np.full(len(names) + 1, -1, np.int32)
    number[known] = np.arange(len(known))
    return tuple([names[one] for one in known.tolist()]), number[group], sizes[known]


def _hazards(
    offered: Modes,
    exposed: Exposed,
    in_place: NDArray[np.int32],
    allowed: NDArray[np.integer],
    n_instances: int,
    horizon_s: float,
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the pairs that cost more than a load, for what the instance holds, and their costs."""
    load_cost_s = CHURN_COST_RATIO * offered.saving_s[allowed[:, 0]]
    more_s = hazard_s(exposed, in_place, allowed, n_instances, horizon_s)
    new = np.ones((offered.function[-1] + 1, n_instances), np.bool_)
    new[offered.function[in_place[:, 0]], in_place[:, 1]] = False
    dear = new[offered.function[allowed[:, 0]], allowed[:, 1]]
    dear &= more_s > LEAST_HAZARD_RATIO * load_cost_s
    return allowed[dear].astype(np.int32), (load_cost_s + more_s)[dear]


def _worth_planning(
    outlook: Outlook, idle: list[Instance], owner: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Return where functions are that have instances and are likely enough to be called."""
    columns, likely = outlook.columns, outlook.chances[:, 0]
    held = np.zeros(len(columns.names), np.bool_)
    held[[columns.index[name] for one in idle for name in one.residencies]] = True
    worth = (likely > CHURN_COST_RATIO) | ((likely > LEAST_WORTH) & held[outlook.rows])
    return np.flatnonzero(worth & (owner[columns.owner[outlook.rows]] >= 0))


def capacity_bytes(instance: Instance, reserve_bytes: int) -> int:
    """Memory that residencies of an instance may take together."""
    return max(0, instance.limit_bytes - instance.base_bytes - reserve_bytes)


def wishes(plan: Plan) -> list[Wish]:
    """Name the residencies of a plan, the most valuable first."""
    problem, (mode, instance) = plan.problem, plan.pairs.T
    function = problem.mode_function[mode]
    rank = np.arange(len(function)) - np.searchsorted(function, function)
    chances = np.append(problem.copies, np.zeros((problem.n_functions, 1)), axis=1)
    likely = chances[function, np.minimum(rank, problem.copies.shape[1])]
    worth_s = likely * (problem.mode_saving_s[mode] * problem.instance_survival[instance])
    order = np.argsort(-worth_s, kind="stable")
    named = (function, problem.mode_tier[mode], instance, worth_s)
    chosen = zip(*(one[order].tolist() for one in named), strict=True)
    return [
        Wish(problem.instance_names[place], problem.function_names[one], _TIERS[tier], worth)
        for one, tier, place, worth in chosen
    ]
