"""What each of several threads may touch: owners of its own, and a share of the free GPU memory.

Owners share nothing but GPU memory. So threads can change one state at the same time, if each keeps
to its owners and counts GPU bytes in a column of its own.
"""

from typing import NamedTuple

import numpy as np

from solver.methods.price.blocks import Blocks, Int32
from solver.methods.price.chance import Stream, below
from solver.methods.price.compiled import allocating
from solver.methods.price.state import State


class Share(NamedTuple):
    """The instances that one thread may touch.

    Attributes
    ----------
    side : int32[I]
        Thread of each instance.
    number : int
        The thread at hand.
    """

    side: Int32
    number: int


def everyone(blocks: Blocks) -> Share:
    """Return all instances as the share of one thread."""
    return Share(np.zeros(len(blocks.instance_memory), np.int32), 0)


@allocating
def split_owners(blocks: Blocks, n_sides: int, stream: Stream) -> Int32:
    """Deal the owners out by chance, such that each side has about as many instances."""
    n_owners = len(blocks.owner_instances) - 1
    order = np.arange(n_owners)
    sizes = np.zeros(n_sides, np.int64)
    side = np.zeros(len(blocks.instance_memory), np.int32)
    for at in range(n_owners - 1, -1, -1):
        other = below(stream, at + 1)
        order[at], order[other] = order[other], order[at]
        owner = order[at]
        first, end = blocks.owner_instances[owner], blocks.owner_instances[owner + 1]
        least = np.argmin(sizes)
        side[first:end] = least
        sizes[least] += end - first
    return side


def share_gpus(
    blocks: Blocks, state: State, side: Int32, n_sides: int, stream: Stream
) -> list[State]:
    """Return the state as each thread sees it: free GPU memory goes to one of those on the GPU."""
    taker = _takers(blocks, side, stream)
    return [
        state._replace(free_gpu=np.where(taker == number, state.free_gpu, 0))
        for number in range(n_sides)
    ]


@allocating
def _takers(blocks: Blocks, side: Int32, stream: Stream) -> Int32:
    taker = np.zeros(len(blocks.gpu_memory), np.int32)
    for gpu in range(len(taker)):
        first, end = blocks.gpu_starts[gpu], blocks.gpu_starts[gpu + 1]
        if end > first:
            taker[gpu] = side[blocks.gpu_instances[first + below(stream, end - first)]]
    return taker
