"""Room to work on one instance, and what it is offered."""

from typing import Final, NamedTuple

import numpy as np

from solver.compiled import compiled
from solver.methods.decomposed.network import Bool, Float64, Int64, Network
from solver.methods.decomposed.scratch import Scratch, new_scratch

_MAX_FRONT: Final = 1 << 13


class Shelf(NamedTuple):
    """The libraries of one instance.

    Attributes
    ----------
    library, start : int64[D], int64[D + 1]
        Libraries, and where the pairs of each begin.
    gain : float64[D]
        ``d_l`` at the byte price.
    order, path : int64[D]
        Libraries by rising ``|d_l|``; those that differ from the relaxation, as places in it.
    is_open : bool[D]
        The set at hand.
    """

    library: Int64
    start: Int64
    gain: Float64
    order: Int64
    path: Int64
    is_open: Bool


class Desk(NamedTuple):
    """Room for one instance at a time, and the answer; one per thread.

    Attributes
    ----------
    scratch, shelf
        Room for the search.
    weight : float64[n]
        What each pair of the network is worth; set by the caller for the pairs of the instance.
    chosen : int64[N]
        Pairs of the best solution.
    front_gpu, front_value : [S]
        GPU bytes and value of the solutions kept.
    """

    scratch: Scratch
    shelf: Shelf
    weight: Float64
    chosen: Int64
    front_gpu: Int64
    front_value: Float64


def new_desk(network: Network) -> Desk:
    """Return room for any instance of the network."""
    most = int(np.diff(network.start).max(initial=0))
    n_libraries = len(network.library_memory)
    shelf = Shelf(
        library=np.empty(n_libraries + 1, np.int64),
        start=np.empty(n_libraries + 2, np.int64),
        gain=np.empty(n_libraries + 1),
        order=np.empty(n_libraries + 1, np.int64),
        path=np.empty(n_libraries + 1, np.int64),
        is_open=np.empty(n_libraries + 1, np.bool_),
    )
    return Desk(
        scratch=new_scratch(most),
        shelf=shelf,
        weight=np.zeros(len(network.pairs)),
        chosen=np.empty(most, np.int64),
        front_gpu=np.empty(_MAX_FRONT, np.int64),
        front_value=np.empty(_MAX_FRONT),
    )


@compiled
def label(network: Network, shelf: Shelf, instance: int) -> int:
    """Find the libraries of an instance; pairs without one come first."""
    pair, end = network.start[instance], network.start[instance + 1]
    count = 0
    while pair < end:
        library = network.pairs[pair].library
        if library >= 0 and (count == 0 or shelf.library[count - 1] != library):
            shelf.library[count] = library
            shelf.start[count] = pair
            shelf.is_open[count] = True
            count += 1
        pair += 1
    shelf.start[count] = end
    return count


@compiled
def offer(
    network: Network,
    desk: Desk,
    instance: int,
    n_libraries: int,
    gpu_price: float,
    spread: float,
) -> int:
    """List the items of the open libraries, and those without one; return the number of groups."""
    shelf = desk.shelf
    first = network.start[instance]
    end = shelf.start[0] if n_libraries > 0 else network.start[instance + 1]
    n_groups = _append(network, desk, first, end, gpu_price, spread, 0)
    for index in range(n_libraries):
        if shelf.is_open[index]:
            first, end = shelf.start[index], shelf.start[index + 1]
            n_groups = _append(network, desk, first, end, gpu_price, spread, n_groups)
    return n_groups


@compiled
def _append(
    network: Network,
    desk: Desk,
    first: int,
    end: int,
    gpu_price: float,
    spread: float,
    n_groups: int,
) -> int:
    """Append the pairs that can be in a solution, one group a function; return the groups so far.

    A pair worth less than its priced GPU bytes still belongs to solutions within the spread.
    """
    pairs, start, items = network.pairs, desk.scratch.start, desk.scratch.items
    item = start[n_groups]
    function = -1
    for pair in range(first, end):
        weight = desk.weight[pair] - gpu_price * pairs[pair].gpu
        if desk.weight[pair] <= 0.0 or weight <= min(0.0, -spread):
            continue
        if pairs[pair].function != function:
            function = pairs[pair].function
            n_groups += 1
        entry = items[item]
        entry.pair, entry.weight = pair, weight
        entry.memory, entry.gpu = pairs[pair].memory, pairs[pair].gpu
        item += 1
        start[n_groups] = item
    return n_groups
