"""Ruin and recreate: empty a few related instances, fill them again, keep what is not worse.

The instances are of one owner or on one GPU, filled one after the other, each as well as possible.
All but the last pass over some items by chance: what is best for the first is not always best for
all. GPU bytes carry a price that falls to nothing by the end, so that early on they go to those
owners that earn most with them.
"""

import numpy as np

from solver.methods.price.blocks import Blocks, Float64, Int32, Int64
from solver.methods.price.chance import Stream, below, uniform
from solver.methods.price.compiled import allocating, inlined
from solver.methods.price.knapsack import Items
from solver.methods.price.refill import empty, refill
from solver.methods.price.share import Share
from solver.methods.price.state import State, add

_MOST_INSTANCES = 3
_THIRD = 0.5
_SAME_GPU = 0.3
_OMIT = 0.1


@allocating
def improve(
    blocks: Blocks,
    state: State,
    share: Share,
    gpu_price: Float64,
    floor: Float64,
    least_gain: float,
    steps: int,
    items: Items,
    stream: Stream,
) -> None:
    """Ruin and recreate a number of times; take back what gains less than ``least_gain``."""
    mine = np.flatnonzero(share.side == share.number)
    if len(mine) == 0:
        return
    taken = np.empty(_MOST_INSTANCES * len(items.mode), np.int32)
    group = np.empty(_MOST_INSTANCES, np.int32)
    starts = np.empty(_MOST_INSTANCES + 1, np.int32)
    for _ in range(steps):
        size = _choose(blocks, share, mine, stream, group)
        _recreate(
            blocks, state, gpu_price, floor, least_gain, group, size, taken, starts, items, stream
        )


@inlined
def _choose(blocks: Blocks, share: Share, mine: Int64, stream: Stream, group: Int32) -> int:
    """Draw an instance and up to two others of its owner or on its GPU; return how many."""
    group[0] = mine[below(stream, len(mine))]
    size = 1
    draws = 2 if uniform(stream) < _THIRD else 1
    for _ in range(draws):
        other = _relative(blocks, stream, group[below(stream, size)])
        if share.side[other] == share.number and not _contains(group, size, other):
            group[size] = other
            size += 1
    return size


@inlined
def _relative(blocks: Blocks, stream: Stream, instance: int) -> int:
    """Draw an instance of the same owner or on the same GPU."""
    gpu = blocks.instance_gpu[instance]
    relative: int
    if gpu >= 0 and uniform(stream) < _SAME_GPU:
        first, last = blocks.gpu_starts[gpu], blocks.gpu_starts[gpu + 1]
        relative = blocks.gpu_instances[first + below(stream, last - first)]
    else:
        owner = blocks.instance_owner[instance]
        first, last = blocks.owner_instances[owner], blocks.owner_instances[owner + 1]
        relative = first + below(stream, last - first)
    return relative


@inlined
def _contains(group: Int32, size: int, instance: int) -> bool:
    for at in range(size):  # noqa: SIM110
        if group[at] == instance:
            return True
    return False


@inlined
def _recreate(
    blocks: Blocks,
    state: State,
    gpu_price: Float64,
    floor: Float64,
    least_gain: float,
    group: Int32,
    size: int,
    taken: Int32,
    starts: Int32,
    items: Items,
    stream: Stream,
) -> None:
    change = 0.0
    starts[0] = 0
    for at in range(size):
        lost, starts[at + 1] = empty(blocks, state, group[at], gpu_price, taken, starts[at])
        change -= lost
    for at in range(size):
        omit = _OMIT if at < size - 1 else 0.0
        change += refill(blocks, state, group[at], gpu_price, floor, omit, items, stream)
    if change < least_gain:
        _restore(blocks, state, gpu_price, group, size, taken, starts, items)


@inlined
def _restore(
    blocks: Blocks,
    state: State,
    gpu_price: Float64,
    group: Int32,
    size: int,
    taken: Int32,
    starts: Int32,
    items: Items,
) -> None:
    for at in range(size):
        empty(blocks, state, group[at], gpu_price, items.path, 0)
    for at in range(size):
        for index in range(starts[at], starts[at + 1]):
            add(blocks, state, taken[index], group[at])
