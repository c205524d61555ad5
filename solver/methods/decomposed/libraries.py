"""The libraries of one instance: priced apart, and the sets of them by rising loss."""

from typing import Final

import numpy as np

from solver.compiled import compiled
from solver.methods.decomposed.critical import byte_price
from solver.methods.decomposed.desk import Desk, Shelf, offer
from solver.methods.decomposed.network import Network

_PRICE_ROUNDS: Final = 3


@compiled
def price_libraries(
    network: Network,
    desk: Desk,
    instance: int,
    n_libraries: int,
    memory: int,
    gpu_price: float,
) -> float:
    """Find a good byte price and the gain of each library there; return ``phi``.

    Any price gives a valid bound. The price of the knapsack that the paying libraries leave is
    taken, a few times over; the lowest bound wins.
    """
    scratch, shelf = desk.scratch, desk.shelf
    lowest, lowest_price = np.inf, 0.0
    price = 0.0
    for _ in range(_PRICE_ROUNDS):
        left = memory - open_bytes(network, shelf, n_libraries)
        n_groups = offer(network, desk, instance, n_libraries, gpu_price, 0.0)
        price, _ = byte_price(scratch.start, scratch.items, scratch.groups, n_groups, max(0, left))
        bound = _gains(network, desk, instance, n_libraries, price, memory, gpu_price)
        if bound < lowest:
            lowest, lowest_price = bound, price
        for index in range(n_libraries):
            shelf.is_open[index] = shelf.gain[index] > 0.0
    return _gains(network, desk, instance, n_libraries, lowest_price, memory, gpu_price)


@compiled
def _gains(
    network: Network,
    desk: Desk,
    instance: int,
    n_libraries: int,
    price: float,
    memory: int,
    gpu_price: float,
) -> float:
    """Compute ``d_l`` of each library at a byte price; return ``phi``."""
    shelf = desk.shelf
    bound = price * memory + _surplus(
        network, desk, network.start[instance], shelf.start[0], price, gpu_price
    )
    for index in range(n_libraries):
        surplus = _surplus(
            network, desk, shelf.start[index], shelf.start[index + 1], price, gpu_price
        )
        shelf.gain[index] = surplus - price * network.library_memory[shelf.library[index]]
        bound += max(0.0, shelf.gain[index])
    return bound


@compiled
def _surplus(
    network: Network, desk: Desk, first: int, end: int, price: float, gpu_price: float
) -> float:
    """Return what the best mode of each function is worth beyond its priced bytes, summed."""
    pairs = network.pairs
    total, best, function = 0.0, 0.0, -1
    for pair in range(first, end):
        if pairs[pair].function != function:
            total += best
            best, function = 0.0, pairs[pair].function
        priced = gpu_price * pairs[pair].gpu + price * pairs[pair].memory
        best = max(best, desk.weight[pair] - priced)
    return total + best


@compiled
def open_bytes(network: Network, shelf: Shelf, n_libraries: int) -> int:
    """Return the bytes of the open libraries."""
    total = 0
    for index in range(n_libraries):
        if shelf.is_open[index]:
            total += network.library_memory[shelf.library[index]]
    return total


@compiled
def next_set(
    shelf: Shelf, n_libraries: int, depth: int, loss: float, allowance: float
) -> tuple[int, float, float]:
    """Step to the next set whose loss is below the allowance, depth first.

    Returns the number of libraries that differ from the relaxation (0: no set is left), their loss,
    and the least loss among the sets that were cut on the way.
    """
    missed = np.inf
    place = shelf.path[depth - 1] + 1 if depth > 0 else 0
    while True:
        if place < n_libraries:
            more = loss + abs(shelf.gain[shelf.order[place]])
            if more < allowance:
                _flip(shelf, place)
                shelf.path[depth] = place
                return depth + 1, more, missed
            missed = min(missed, more)
        if depth == 0:
            return 0, 0.0, missed
        depth -= 1
        _flip(shelf, shelf.path[depth])
        loss -= abs(shelf.gain[shelf.order[shelf.path[depth]]])
        place = shelf.path[depth] + 1


@compiled
def _flip(shelf: Shelf, place: int) -> None:
    index = shelf.order[place]
    shelf.is_open[index] = not shelf.is_open[index]
