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

from typing import Final

import numpy as np

from solver.compiled import compiled
from solver.methods.decomposed.critical import (
    byte_price,
    greedy_value,
    rank_groups,
    size_of,
    sum_suffixes,
)
from solver.methods.decomposed.network import Record, Records
from solver.methods.decomposed.scratch import (
    MAX_NODES,
    MAX_STATES,
    Limits,
    Move,
    Outcome,
    Progress,
    Scratch,
)

_NONE_YET: Final = -2


@compiled
def explore(scratch: Scratch, n_groups: int, limits: Limits, floor: float) -> Outcome:
    """Search the first ``n_groups`` groups for solutions worth more than ``floor``."""
    start, items, groups, distance, order, suffix, states, stairs, nodes = scratch
    price, relaxed = byte_price(start, items, groups, n_groups, limits.memory)
    rank_groups(start, items, groups, distance, order, n_groups, price)
    sum_suffixes(items, groups, order, suffix, n_groups)
    greedy = greedy_value(start, items, groups, order, n_groups, limits)
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
def _begin(
    items: Records, groups: Records, states: Records, n_groups: int, limits: Limits, best: float
) -> Progress:
    """Write the relaxation's own choice as the only state of the first list."""
    memory, gpu, value = 0, 0, 0.0
    for group in range(n_groups):
        more, more_gpu, worth = size_of(items, groups[group].choice)
        memory, gpu, value = memory + more, gpu + more_gpu, value + worth
    first = states[0, 0]
    first.memory, first.gpu, first.value, first.node = memory, gpu, value, -1
    if memory <= limits.memory and gpu <= limits.gpu and value > best:
        return Progress(value, -np.inf, -1, 0)
    return Progress(best, -np.inf, _NONE_YET, 0)


@compiled
def _move(items: Records, group: int, choice: int, other: int) -> Move:
    memory, gpu, weight = size_of(items, choice)
    more, more_gpu, worth = size_of(items, other)
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
        if n_target == MAX_STATES or n_nodes == MAX_NODES:
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
