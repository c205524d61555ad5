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

from typing import Final, NamedTuple

import numpy as np

from solver.compiled import compiled
from solver.methods.decomposed.desk import Desk, label, offer
from solver.methods.decomposed.knapsack import explore
from solver.methods.decomposed.libraries import next_set, open_bytes, price_libraries
from solver.methods.decomposed.network import Network
from solver.methods.decomposed.scratch import Limits, Outcome

_MAX_SETS: Final = 512
_MAX_FRONT: Final = 1 << 13


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
    n_libraries = label(network, shelf, instance)
    limits = Limits(
        network.memory[instance], gpu_memory, gpu_price if spread > 0.0 else 0.0, spread
    )
    if n_libraries == 0:
        n_groups = offer(network, desk, instance, 0, gpu_price, spread)
        outcome = explore(desk.scratch, n_groups, limits, 0.0)
        n_chosen = _note(desk, n_groups) if outcome.improved else 0
        n_front = _keep(desk, outcome, limits, 0)
        return _conclude(outcome.best, outcome.upper, n_chosen, n_front, outcome.complete)
    return _search_sets(network, desk, instance, n_libraries, limits, gpu_price)


@compiled
def _conclude(best: float, upper: float, n_chosen: int, n_front: int, complete: bool) -> Filling:
    return Filling(best, max(best, upper), n_chosen, max(0, n_front), complete and n_front >= 0)


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
    relaxed = price_libraries(network, desk, instance, n_libraries, limits.memory, gpu_price)
    for index in range(n_libraries):
        shelf.is_open[index] = shelf.gain[index] > 0.0
    shelf.order[:n_libraries] = np.argsort(np.abs(shelf.gain[:n_libraries]))
    best, upper, n_chosen, n_front, complete = 0.0, 0.0, 0, 0, True
    depth, loss, n_sets = 0, 0.0, 0
    while True:
        memory = limits.memory - open_bytes(network, shelf, n_libraries)
        if memory >= 0:
            n_groups = offer(network, desk, instance, n_libraries, gpu_price, limits.spread)
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
        depth, loss, missed = next_set(shelf, n_libraries, depth, loss, allowance)
        upper = max(upper, relaxed - missed)
        if depth == 0:
            return _conclude(best, min(upper, max(relaxed, best)), n_chosen, n_front, complete)
