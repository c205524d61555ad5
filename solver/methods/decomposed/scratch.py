"""Room for knapsack searches, and what goes in and out of them."""

from typing import Final, NamedTuple

import numpy as np

from solver.methods.decomposed.network import Float64, Int64, Records

MAX_STATES: Final = 1 << 14
MAX_NODES: Final = 1 << 18

ITEM: Final = np.dtype([("pair", "i8"), ("memory", "i8"), ("gpu", "i8"), ("weight", "f8")])
"""Which pair an item stands for, bytes it takes, and what it is worth (positive)."""
GROUP: Final = np.dtype([("choice", "i8"), ("picked", "i8"), ("low", "f8"), ("high", "f8")])
"""Item that the relaxation, and the best solution, takes of a group (-1: none), and between which
prices the former stays the best."""
SUFFIX: Final = np.dtype([("low", "f8"), ("high", "f8"), ("memory", "i8"), ("gpu", "i8")])
"""Over the groups from one place of the order on: largest low, smallest high, and the bytes that
the relaxation gives them."""
STATE: Final = np.dtype([("memory", "i8"), ("gpu", "i8"), ("value", "f8"), ("node", "i8")])
"""Bytes taken, worth, and the last deviation from the relaxation (-1: none)."""
STAIR: Final = np.dtype([("gpu", "i8"), ("value", "f8")])
"""An undominated state of the list being written, by rising GPU bytes and value."""
NODE: Final = np.dtype([("parent", "i8"), ("group", "i8"), ("item", "i8")])
"""A deviation: the one before, the group, and the item taken instead (-1: none)."""


class Scratch(NamedTuple):
    """Room for one search among at most N items; one per thread.

    Attributes
    ----------
    start : int64[N + 1]
        Items of group ``g`` are ``start[g]:start[g + 1]``.
    items, groups : ITEM[N], GROUP[N]
        What is on offer, filled from the front.
    distance, order : float64[N], int64[N]
        How near the price comes to either end of each group's interval; groups by that.
    suffix : SUFFIX[N + 1]
        What the undecided groups still allow.
    states, stairs, nodes : STATE[3, S], STAIR[S], NODE[A]
        Three lists of states by rising memory, and what belongs to them.
    """

    start: Int64
    items: Records
    groups: Records
    distance: Float64
    order: Int64
    suffix: Records
    states: Records
    stairs: Records
    nodes: Records


def new_scratch(n: int) -> Scratch:
    """Return room for searches among at most ``n`` items."""
    return Scratch(
        start=np.zeros(n + 1, np.int64),
        items=np.zeros(n, ITEM),
        groups=np.zeros(n, GROUP),
        distance=np.empty(n),
        order=np.empty(n, np.int64),
        suffix=np.zeros(n + 1, SUFFIX),
        states=np.empty((3, MAX_STATES), STATE),
        stairs=np.empty(MAX_STATES + 1, STAIR),
        nodes=np.empty(MAX_NODES, NODE),
    )


class Limits(NamedTuple):
    """What a search respects.

    Attributes
    ----------
    memory, gpu : int
        Bytes free.
    gpu_price : float
        Added to the value of a state per GPU byte before states are compared for dominance.
    spread : float
        Keep all states worth at most this much less than the best; negative is the tolerance of a
        search for the best alone.
    """

    memory: int
    gpu: int
    gpu_price: float
    spread: float


class Move(NamedTuple):
    """What deciding a group against the relaxation changes, and which item it takes instead."""

    memory: int
    gpu: int
    value: float
    group: int
    item: int


class Progress(NamedTuple):
    """Where a search stands.

    Attributes
    ----------
    best : float
        Value of the incumbent.
    dropped : float
        Largest bound of a state that was dropped.
    node : int
        Last deviation of the incumbent; -2 if no state has beaten the incumbent given.
    n_nodes : int
        Deviations recorded; -1 if there was no room for all.
    """

    best: float
    dropped: float
    node: int
    n_nodes: int


class Outcome(NamedTuple):
    """What a search found.

    Attributes
    ----------
    best, upper : float
        Value of the best solution, and an upper bound of the optimum.
    improved : bool
        True if ``picked`` of the groups holds a solution better than the incumbent given.
    complete : bool
        True if the search did not run out of room.
    buffer, n_states : int
        List of ``states`` that holds the last states, all feasible, and its length.
    """

    best: float
    upper: float
    improved: bool
    complete: bool
    buffer: int
    n_states: int
