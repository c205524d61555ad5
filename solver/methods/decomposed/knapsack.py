r"""Exact knapsack with groups: one item a group at most, memory and GPU memory both limited.

A state is a full choice: groups decided so far as decided, all others as the linear relaxation has
them. Groups are decided from the critical one outward, as in Pisinger's minknap (Operations
Research 45(5), 1997), so that few groups ever are: let ``pi`` be the price of a byte that minimises

.. math:: \phi(\pi) = \pi R + \sum_g \max(0, \max_{a \in g} w_a - \pi r_a)

(its minimum is the linear relaxation's value) and ``c_g`` the choice of group ``g`` in it. That
choice stays the best one for all prices in an interval ``[low_g, high_g]`` around ``pi``. With
``low`` the largest ``low_g`` and ``high`` the smallest ``high_g`` of the groups still undecided, no
completion of a state with value ``v`` and ``s`` bytes left is worth more than ``v + s low`` if
``s >= 0``, and ``v + s high`` if ``s < 0``: this is ``phi`` of the undecided groups, at that price.
States that cannot beat the incumbent are dropped, and so are dominated ones: no better in memory,
GPU memory and value than another.

The largest bound of a dropped state is kept, so the upper bound that comes back is valid whatever
the tolerance, and also when the search runs out of room.
"""

from typing import Final, NamedTuple

import numpy as np

from solver.compiled import compiled
from solver.methods.decomposed.network import Float64, Int64, Record, Records

_PRICE_STEPS: Final = 60
_EXACT: Final = 1e-12
_NONE_YET: Final = -2
_MAX_STATES: Final = 1 << 14
_MAX_NODES: Final = 1 << 18

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
        states=np.empty((3, _MAX_STATES), STATE),
        stairs=np.empty(_MAX_STATES, STAIR),
        nodes=np.empty(_MAX_NODES, NODE),
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


@compiled
def explore(scratch: Scratch, n_groups: int, limits: Limits, floor: float) -> Outcome:
    """Search the first ``n_groups`` groups for solutions worth more than ``floor``."""
    start, items, groups, distance, order, suffix, states, stairs, nodes = scratch
    price, relaxed = byte_price(start, items, groups, n_groups, limits.memory)
    _rank_groups(start, items, groups, distance, order, n_groups, price)
    _sum_suffixes(items, groups, order, suffix, n_groups)
    greedy = _greedy(start, items, groups, order, n_groups, limits)
    improved = greedy > floor
    progress = _begin(items, groups, states, n_groups, limits, max(greedy, floor))
    buffer, n_states, place = 0, 1, 0
    while place < n_groups and n_states > 0:
        group = order[place]
        choice = groups[group].choice
        written, n_written = buffer, n_states
        for item in range(start[group] - 1, start[group + 1]):
            other = item if item >= start[group] else -1
            if other == choice or progress.n_nodes < 0:
                continue
            move = _move(items, group, choice, other)
            target = _third(buffer, written)
            n_written, progress = _merge(
                states[written, :n_written],
                states[buffer, :n_states],
                states[target],
                stairs,
                nodes,
                suffix[place + 1],
                move,
                limits,
                progress,
            )
            written = target
        if progress.n_nodes < 0:
            break
        buffer, n_states = written, n_written
        place += 1
    _trace(groups, nodes, n_groups, progress.node)
    complete = progress.n_nodes >= 0
    upper = max(progress.best, progress.dropped)
    if not complete:
        still_open = _open_bound(states[buffer, :n_states], suffix[place], limits.memory)
        upper = max(upper, still_open)
    return Outcome(
        progress.best,
        min(upper, max(relaxed, progress.best)),
        improved or progress.node > _NONE_YET,
        complete,
        buffer,
        n_states,
    )


@compiled
def byte_price(
    start: Int64, items: Records, groups: Records, n_groups: int, memory: int
) -> tuple[float, float]:
    """Return the price of a byte that minimises ``phi``, and ``phi`` there; fill the choices.

    ``phi`` is convex and piecewise linear: cut with the two tangents at hand until they meet on it.
    """
    low, (value, used) = 0.0, _respond(start, items, groups, n_groups, 0.0)
    if used <= memory:
        return 0.0, value
    at_low, low_slope = value, float(memory - used)
    high = 0.0
    for item in range(start[n_groups]):
        high = max(high, items[item].weight / max(1, items[item].memory))
    at_high, high_slope = high * memory, float(memory)
    best, at_best = (high, at_high) if at_high < at_low else (low, at_low)
    for _ in range(_PRICE_STEPS):
        if high_slope - low_slope <= 0.0:
            break
        price = (at_low - at_high - low_slope * low + high_slope * high) / (high_slope - low_slope)
        if not low < price < high:
            break
        expected = at_low + low_slope * (price - low)
        earned, used = _respond(start, items, groups, n_groups, price)
        value = earned + price * memory
        if value < at_best:
            best, at_best = price, value
        if value <= expected + _EXACT * abs(expected) or used == memory:
            break
        if used > memory:
            low, at_low, low_slope = price, value, float(memory - used)
        else:
            high, at_high, high_slope = price, value, float(memory - used)
    _respond(start, items, groups, n_groups, best)
    return best, at_best


@compiled
def _respond(
    start: Int64, items: Records, groups: Records, n_groups: int, price: float
) -> tuple[float, int]:
    """Choose the best item of each group at a price; return the profit and the bytes taken."""
    profit, used = 0.0, 0
    for group in range(n_groups):
        best, taken = 0.0, -1
        for item in range(start[group], start[group + 1]):
            worth = items[item].weight - price * items[item].memory
            if worth > best:
                best, taken = worth, item
        groups[group].choice = taken
        if taken >= 0:
            profit += best
            used += items[taken].memory
    return profit, used


@compiled
def _rank_groups(
    start: Int64,
    items: Records,
    groups: Records,
    distance: Float64,
    order: Int64,
    n_groups: int,
    price: float,
) -> None:
    """Order the groups from the critical one outward."""
    for group in range(n_groups):
        choice = groups[group].choice
        memory, _, weight = _taken(items, choice)
        low, high = 0.0, weight / memory if memory > 0 else np.inf
        for item in range(start[group], start[group + 1]):
            more = items[item].memory - memory
            if more > 0:
                low = max(low, (items[item].weight - weight) / more)
            elif more < 0:
                high = min(high, (items[item].weight - weight) / more)
        groups[group].low, groups[group].high = min(low, price), max(high, price)
        distance[group] = min(price - groups[group].low, groups[group].high - price)
    order[:n_groups] = np.argsort(distance[:n_groups])


@compiled
def _taken(items: Records, item: int) -> tuple[int, int, float]:
    if item < 0:
        return 0, 0, 0.0
    return items[item].memory, items[item].gpu, items[item].weight


@compiled
def _sum_suffixes(
    items: Records, groups: Records, order: Int64, suffix: Records, n_groups: int
) -> None:
    """Fill what the groups from each place on allow."""
    suffix[n_groups].low, suffix[n_groups].high = 0.0, np.inf
    suffix[n_groups].memory, suffix[n_groups].gpu = 0, 0
    for place in range(n_groups - 1, -1, -1):
        group = groups[order[place]]
        memory, gpu, _ = _taken(items, group.choice)
        suffix[place].low = max(suffix[place + 1].low, group.low)
        suffix[place].high = min(suffix[place + 1].high, group.high)
        suffix[place].memory = suffix[place + 1].memory + memory
        suffix[place].gpu = suffix[place + 1].gpu + gpu


@compiled
def _greedy(
    start: Int64, items: Records, groups: Records, order: Int64, n_groups: int, limits: Limits
) -> float:
    """Pick the relaxation's choices, surest first, then fill up; return the value."""
    memory, gpu, value = limits.memory, limits.gpu, 0.0
    for place in range(n_groups - 1, -1, -1):
        group = order[place]
        item = groups[group].choice
        groups[group].picked = -1
        if item >= 0 and items[item].memory <= memory and items[item].gpu <= gpu:
            groups[group].picked = item
            memory, gpu = memory - items[item].memory, gpu - items[item].gpu
            value += items[item].weight
    for place in range(n_groups):
        group = order[place]
        if groups[group].picked >= 0:
            continue
        best, taken = 0.0, -1
        for item in range(start[group], start[group + 1]):
            fits = items[item].memory <= memory and items[item].gpu <= gpu
            if fits and items[item].weight > best:
                best, taken = items[item].weight, item
        if taken >= 0:
            groups[group].picked = taken
            memory, gpu = memory - items[taken].memory, gpu - items[taken].gpu
            value += best
    return value


@compiled
def _begin(
    items: Records, groups: Records, states: Records, n_groups: int, limits: Limits, best: float
) -> Progress:
    """Write the relaxation's own choice as the only state of the first list."""
    memory, gpu, value = 0, 0, 0.0
    for group in range(n_groups):
        more, more_gpu, worth = _taken(items, groups[group].choice)
        memory, gpu, value = memory + more, gpu + more_gpu, value + worth
    first = states[0, 0]
    first.memory, first.gpu, first.value, first.node = memory, gpu, value, -1
    if memory <= limits.memory and gpu <= limits.gpu and value > best:
        return Progress(value, -np.inf, -1, 0)
    return Progress(best, -np.inf, _NONE_YET, 0)


@compiled
def _move(items: Records, group: int, choice: int, other: int) -> Move:
    memory, gpu, weight = _taken(items, choice)
    more, more_gpu, worth = _taken(items, other)
    return Move(more - memory, more_gpu - gpu, worth - weight, group, other)


@compiled
def _third(one: int, two: int) -> int:
    """Return the lowest buffer that is neither."""
    for buffer in range(3):
        if buffer != one and buffer != two:
            return buffer
    return -1


@compiled
def _merge(
    base: Records,
    source: Records,
    target: Records,
    stairs: Records,
    nodes: Records,
    suffix: Record,
    move: Move,
    limits: Limits,
    progress: Progress,
) -> tuple[int, Progress]:
    """Write ``base`` and the moved ``source`` to ``target`` by memory, without hopeless states."""
    most_memory, most_gpu = limits.memory + suffix.memory, limits.gpu + suffix.gpu
    low, high = suffix.low, suffix.high
    best, dropped, best_node, n_nodes = progress
    kept, moved, n_target, n_stairs = 0, 0, 0, 0
    while kept < len(base) or moved < len(source):
        is_new = kept >= len(base) or (
            moved < len(source) and source[moved].memory + move.memory < base[kept].memory
        )
        if is_new:
            memory, gpu = source[moved].memory + move.memory, source[moved].gpu + move.gpu
            value, node = source[moved].value + move.value, source[moved].node
            moved += 1
        else:
            memory, gpu = base[kept].memory, base[kept].gpu
            value, node = base[kept].value, base[kept].node
            kept += 1
        if memory > most_memory or gpu > most_gpu:
            continue
        left = limits.memory - memory
        bound = value + left * (low if left >= 0 else high)
        if bound <= best - limits.spread:
            dropped = max(dropped, bound)
            continue
        n_after = _climb(stairs, n_stairs, gpu, value + limits.gpu_price * gpu)
        if n_after < 0:
            continue
        n_stairs = n_after
        if n_target == _MAX_STATES or n_nodes == _MAX_NODES:
            return 0, Progress(best, dropped, best_node, -1)
        if is_new:
            entry = nodes[n_nodes]
            entry.parent, entry.group, entry.item = node, move.group, move.item
            node, n_nodes = n_nodes, n_nodes + 1
            if left >= 0 and gpu <= limits.gpu and value > best:
                best, best_node = value, node
        state = target[n_target]
        state.memory, state.gpu, state.value, state.node = memory, gpu, value, node
        n_target += 1
    return n_target, Progress(best, dropped, best_node, n_nodes)


@compiled
def _climb(stairs: Records, n_stairs: int, gpu: int, value: float) -> int:
    """Add (GPU bytes, value) and drop what it dominates; return the new length.

    Returns -1 and adds nothing if it is dominated itself.
    """
    first = n_stairs
    while first > 0 and stairs[first - 1].gpu > gpu:
        first -= 1
    if first > 0 and stairs[first - 1].value >= value:
        return -1
    end = first
    while end < n_stairs and stairs[end].value <= value:
        end += 1
    if first > 0 and stairs[first - 1].gpu == gpu:
        first -= 1
    shift = 1 - (end - first)
    if shift > 0:
        for stair in range(n_stairs, end, -1):
            stairs[stair] = stairs[stair - 1]
    elif shift < 0:
        for stair in range(end, n_stairs):
            stairs[stair + shift] = stairs[stair]
    stairs[first].gpu, stairs[first].value = gpu, value
    return n_stairs + shift


@compiled
def _open_bound(states: Records, suffix: Record, memory: int) -> float:
    """Return the largest bound of states that are still open."""
    bound = -np.inf
    for state in states:
        left = memory - state.memory
        bound = max(bound, state.value + left * (suffix.low if left >= 0 else suffix.high))
    return bound


@compiled
def _trace(groups: Records, nodes: Records, n_groups: int, node: int) -> None:
    """Pick the solution that ends in ``node``; leave the picks be if there is none."""
    if node == _NONE_YET:
        return
    for group in range(n_groups):
        groups[group].picked = groups[group].choice
    while node >= 0:
        groups[nodes[node].group].picked = nodes[node].item
        node = nodes[node].parent
