"""The generalised assignment problem as a restriction of the placement problem.

Agents are instances, items are functions called once for sure. An item has a mode for each agent,
with the memory that it takes there, and its other pairs are forbidden. An item saves so much more
than its cost that no optimal plan leaves one out when all can be placed.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from solver import Plan, Problem


class AssignmentFileError(ValueError):
    """A file is no generalised assignment problem."""


@dataclass(frozen=True, eq=False)
class Assignment:
    """Minimise the cost of giving each of n items to one of m agents.

    Attributes
    ----------
    cost, use : int64[m, n]
        Of each item with each agent.
    capacity : int64[m]
        Of each agent.
    """

    cost: NDArray[np.int64]
    use: NDArray[np.int64]
    capacity: NDArray[np.int64]


def read_assignment(file: Path) -> Assignment:
    """Read m and n, then m rows of costs, m rows of uses, and m capacities.

    Raises
    ------
    AssignmentFileError
        When there are too few or too many numbers.
    """
    numbers = np.array(file.read_text().split(), dtype=np.int64)
    agents, items = numbers[:2].tolist()
    if len(numbers) != 2 + 2 * agents * items + agents:
        raise AssignmentFileError(f"{file}: {len(numbers)} numbers, expected 2 + 2 m n + m")
    cost, use, capacity = np.split(numbers[2:], [agents * items, 2 * agents * items])
    return Assignment(cost.reshape(agents, items), use.reshape(agents, items), capacity)


def read_best_known(file: Path) -> dict[str, int]:
    """Read the best known cost of each file by its path."""
    with file.open(newline="") as lines:
        return {
            line["Path"]: int(line["Best known solution value"]) for line in csv.DictReader(lines)
        }


def placement(assignment: Assignment) -> Problem:
    """State an assignment problem as a placement problem."""
    agents, items = assignment.cost.shape
    mode_agent = np.tile(np.arange(agents), items)
    other = np.nonzero(np.arange(agents)[None, :] != mode_agent[:, None])
    return Problem(
        owner_names=("u",),
        function_names=tuple(f"f{n}" for n in range(items)),
        function_owner=np.zeros(items, dtype=np.int32),
        function_library=np.full(items, -1, dtype=np.int32),
        copies=np.ones((items, 1)),
        mode_function=np.repeat(np.arange(items, dtype=np.int32), agents),
        mode_tier=np.zeros(agents * items, dtype=np.int8),
        mode_memory_bytes=assignment.use.T.ravel(),
        mode_gpu_memory_bytes=np.zeros(agents * items, dtype=np.int64),
        mode_saving_s=(_reward(assignment) - assignment.cost.T.ravel()).astype(np.float64),
        mode_load_cost_s=np.zeros(agents * items),
        library_names=(),
        library_memory_bytes=np.zeros(0, dtype=np.int64),
        instance_names=tuple(f"i{n}" for n in range(agents)),
        instance_owner=np.zeros(agents, dtype=np.int32),
        instance_free_memory_bytes=assignment.capacity,
        instance_gpu=np.full(agents, -1, dtype=np.int32),
        instance_survival=np.ones(agents),
        gpu_names=(),
        gpu_free_memory_bytes=np.zeros(0, dtype=np.int64),
        forbidden=np.stack(other, axis=1).astype(np.int32),
    )


def total_cost(assignment: Assignment, plan: Plan) -> int | None:
    """Return the cost of a plan; None when it leaves items out."""
    items = assignment.cost.shape[1]
    item, agent = plan.problem.mode_function[plan.pairs[:, 0]], plan.pairs[:, 1]
    if len(np.unique(item)) < items:
        return None
    best = np.full(items, np.iinfo(np.int64).max)
    np.minimum.at(best, item, assignment.cost[agent, item])
    return int(best.sum())


def _reward(assignment: Assignment) -> int:
    """Return a saving that outweighs all that leaving an item out could spare the others."""
    spread = assignment.cost.max(axis=0) - assignment.cost.min(axis=0)
    return int(assignment.cost.max() + spread.sum() + 1)
