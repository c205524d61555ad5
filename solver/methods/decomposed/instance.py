r"""One instance at given weights: libraries on top of the knapsack.

A pair weighs what it is worth to the instance; the bytes of a library are taken once. With a price
``pi`` of a byte the libraries fall apart, and

.. math:: \phi(\pi) = \pi R + d_0(\pi) + \sum_l \max(0, d_l(\pi)), \qquad
          d_l(\pi) = \sum_{f \in l} \max(0, \max_m w_{fm} - \pi r_{fm}) - \pi b_l

bounds the instance from above (``d_0``: the functions without a library). A set of open libraries
that differs from ``{l : d_l > 0}`` in some libraries is worth ``|d_l|`` less for each of them, at
least. So the sets are searched by rising loss, and each set that could still beat the incumbent is
a knapsack over its items in the memory that its libraries leave.
"""

from typing import NamedTuple

import numpy as np

from solver.compiled import compiled
from solver.methods.decomposed.knapsack import (
    Limits,
    Outcome,
    Scratch,
    byte_price,
    explore,
    new_scratch,
)
from solver.methods.decomposed.network import Bool, Float64, Int64, Network

_PRICE_ROUNDS = 3
_MAX_SETS = 512
_MAX_FRONT = 1 << 13


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


class Filling(NamedTuple):
    """The answer for one instance.

    Attributes
    ----------
    value, upper : float
        Worth of the pairs chosen, and an upper bound of the best there is.
    n_chosen, n_front : int
        How much of ``Desk.chosen`` and of the front is filled.
    complete : bool
        True if nothing was left out for want of room.
    """

    value: float
    upper: float
    n_chosen: int
    n_front: int
    complete: bool


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
def fill_instance(
    network: Network,
    desk: Desk,
    instance: int,
    gpu_memory: int,
    gpu_price: float,
    spread: float,
) -> Filling:
    """Choose the pairs of one instance that weigh most, at a price per GPU byte.

    With a negative ``spread`` the best choice is searched, to that tolerance. With a positive one,
    all undominated (GPU bytes, value) within ``spread`` of the best are written to the front too.
    """
    shelf = desk.shelf
    n_libraries = _label(network, shelf, instance)
    limits = Limits(
        network.memory[instance], gpu_memory, gpu_price if spread > 0.0 else 0.0, spread
    )
    if n_libraries == 0:
        n_groups = _offer(network, desk, instance, 0, gpu_price, spread)
        outcome = explore(desk.scratch, n_groups, limits, 0.0)
        n_chosen = _note(desk, n_groups) if outcome.improved else 0
        n_front = _keep(desk, outcome, limits, 0)
        return _conclude(outcome.best, outcome.upper, n_chosen, n_front, outcome.complete)
    return _search_sets(network, desk, instance, n_libraries, limits, gpu_price)


@compiled
def _conclude(best: float, upper: float, n_chosen: int, n_front: int, complete: bool) -> Filling:
    return Filling(best, max(best, upper), n_chosen, max(0, n_front), complete and n_front >= 0)


@compiled
def _label(network: Network, shelf: Shelf, instance: int) -> int:
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
def _offer(
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


@compiled
def _note(desk: Desk, n_groups: int) -> int:
    """Copy the solution of the last search to ``chosen``; return its length."""
    count = 0
    for group in range(n_groups):
        item = desk.scratch.groups[group].picked
        if item >= 0:
            desk.chosen[count] = desk.scratch.items[item].pair
            count += 1
    return count


@compiled
def _keep(desk: Desk, outcome: Outcome, limits: Limits, n_front: int) -> int:
    """Add the last states of a search to the front; return its length, -1 if it overflows."""
    if limits.spread <= 0.0 or n_front < 0:
        return n_front
    states = desk.scratch.states
    if n_front + outcome.n_states > _MAX_FRONT:
        return -1
    for state in range(outcome.n_states):
        desk.front_gpu[n_front] = states[outcome.buffer, state].gpu
        desk.front_value[n_front] = states[outcome.buffer, state].value
        n_front += 1
    return n_front


@compiled
def _search_sets(
    network: Network,
    desk: Desk,
    instance: int,
    n_libraries: int,
    limits: Limits,
    gpu_price: float,
) -> Filling:
    """Search the sets of open libraries by rising loss against the relaxation."""
    shelf = desk.shelf
    relaxed = _price_libraries(network, desk, instance, n_libraries, limits.memory, gpu_price)
    for index in range(n_libraries):
        shelf.is_open[index] = shelf.gain[index] > 0.0
    shelf.order[:n_libraries] = np.argsort(np.abs(shelf.gain[:n_libraries]))
    best, upper, n_chosen, n_front, complete = 0.0, 0.0, 0, 0, True
    depth, loss, n_sets = 0, 0.0, 0
    while True:
        memory = limits.memory - _open_bytes(network, shelf, n_libraries)
        if memory >= 0:
            n_groups = _offer(network, desk, instance, n_libraries, gpu_price, limits.spread)
            here = Limits(memory, limits.gpu, limits.gpu_price, limits.spread)
            outcome = explore(desk.scratch, n_groups, here, best)
            n_chosen = _note(desk, n_groups) if outcome.improved else n_chosen
            n_front = _keep(desk, outcome, limits, n_front)
            best, upper = max(best, outcome.best), max(upper, outcome.upper)
            complete = complete and outcome.complete
        n_sets += 1
        if n_sets == _MAX_SETS:
            return _conclude(best, relaxed, n_chosen, n_front, False)
        allowance = relaxed - (best - limits.spread)
        depth, loss, missed = _next_set(shelf, n_libraries, depth, loss, allowance)
        upper = max(upper, relaxed - missed)
        if depth == 0:
            return _conclude(best, min(upper, max(relaxed, best)), n_chosen, n_front, complete)


@compiled
def _price_libraries(
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
        left = memory - _open_bytes(network, shelf, n_libraries)
        n_groups = _offer(network, desk, instance, n_libraries, gpu_price, 0.0)
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
def _open_bytes(network: Network, shelf: Shelf, n_libraries: int) -> int:
    total = 0
    for index in range(n_libraries):
        if shelf.is_open[index]:
            total += network.library_memory[shelf.library[index]]
    return total


@compiled
def _next_set(
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
