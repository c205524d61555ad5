"""A part of a problem as a problem of its own: some owners, and the GPU memory left to them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solver.pairs import Rows
from solver.problem import Float64, Int64, Problem

_NO_ROWS = np.zeros((0, 2), dtype=np.int32)


@dataclass(frozen=True, eq=False)
class Part:
    """Some owners with all their functions and instances.

    Attributes
    ----------
    problem : Problem
        The part; nothing is held in it, and every pair has a load cost of its own.
    mode, instance : int64[M'], int64[I']
        Modes and instances of the part in the whole, ascending.
    """

    problem: Problem
    mode: Int64
    instance: Int64

    def inside(self, rows: Rows) -> Rows:
        """Return those rows (mode, instance) of the whole that lie in the part, as its rows."""
        mode, instance = _places(self.mode, rows[:, 0]), _places(self.instance, rows[:, 1])
        within = (mode >= 0) & (instance >= 0)
        return np.stack([mode[within], instance[within]], axis=1).astype(np.int32)

    def outside(self, rows: Rows) -> Rows:
        """Return rows of the part as rows of the whole."""
        whole = np.stack([self.mode[rows[:, 0]], self.instance[rows[:, 1]]], axis=1)
        return whole.astype(np.int32)


def cut_part(
    problem: Problem,
    owners: NDArray[np.integer],
    *,
    gpu_memory_bytes: Int64 | None = None,
    cost_s: Float64 | None = None,
    fixed: Rows = _NO_ROWS,
) -> Part:
    """Cut out some owners, ascending.

    Parameters
    ----------
    problem, owners
        The whole, and what is cut out of it.
    gpu_memory_bytes
        Free bytes of each GPU, where the part may not take all.
    cost_s
        Cost of each pair of the whole, where it is not the load cost.
    fixed
        Rows of the whole that are pinned beside those that the problem pins.
    """
    function = np.flatnonzero(np.isin(problem.function_owner, owners))
    mode = np.flatnonzero(np.isin(problem.mode_function, function))
    instance = np.flatnonzero(np.isin(problem.instance_owner, owners))
    bare = replace(
        problem,
        owner_names=_named(problem.owner_names, owners),
        function_names=_named(problem.function_names, function),
        function_owner=_places(owners, problem.function_owner[function]),
        function_library=problem.function_library[function],
        copies=problem.copies[function],
        mode_function=_places(function, problem.mode_function[mode]),
        mode_tier=problem.mode_tier[mode],
        mode_memory_bytes=problem.mode_memory_bytes[mode],
        mode_gpu_memory_bytes=problem.mode_gpu_memory_bytes[mode],
        mode_saving_s=problem.mode_saving_s[mode],
        mode_load_cost_s=problem.mode_load_cost_s[mode],
        instance_names=_named(problem.instance_names, instance),
        instance_owner=_places(owners, problem.instance_owner[instance]),
        instance_free_memory_bytes=problem.instance_free_memory_bytes[instance],
        instance_gpu=problem.instance_gpu[instance],
        instance_survival=problem.instance_survival[instance],
        gpu_free_memory_bytes=problem.gpu_free_memory_bytes
        if gpu_memory_bytes is None
        else gpu_memory_bytes,
        held=_NO_ROWS,
        pinned=_NO_ROWS,
        forbidden=_NO_ROWS,
        load_cost_pairs=_NO_ROWS,
        load_cost_s=np.zeros(0),
    )
    part = Part(bare, mode, instance)
    pinned = np.unique(np.concatenate([problem.pinned, fixed]), axis=0)
    every = np.flatnonzero(np.isin(problem.pairs.instance, instance))
    return replace(
        part,
        problem=replace(
            bare,
            pinned=part.inside(pinned),
            forbidden=part.inside(problem.forbidden),
            load_cost_pairs=part.inside(problem.pairs.rows(every)),
            load_cost_s=(problem.pairs.cost_s if cost_s is None else cost_s)[every],
        ),
    )


def _places(members: NDArray[np.integer], values: NDArray[Any]) -> NDArray[np.int32]:
    """Return the place of each value among ascending members, -1 for none."""
    place = np.searchsorted(members, values)
    return np.where(np.append(members, -1)[place] == values, place, -1).astype(np.int32)


def _named(names: tuple[str, ...], members: NDArray[np.integer]) -> tuple[str, ...]:
    return tuple(names[member] for member in members)
