r"""Prices of calls and of GPU memory, and the bound that they prove.

The rows that say how often a function can be called are priced; what is left is one problem per
block. A *uniform* function, all of whose pairs have one value ``v``, has one price ``q``, what a
further residency of it is worth: its ranks pay ``sum_j max(0, P(N >= j) v - q)`` and each of its
residencies is credited ``q``. Any other function has a price ``q_j <= 0`` per rank: the rank pays
``-q_j``, and a residency of value ``v`` is credited ``max(0, max_j P(N >= j) v + q_j)``. For all
such prices, and prices ``mu >= 0`` of a GPU byte,

.. math:: \sum_{ranks} pay + \sum_{pinned} (credit - cost)
          + \sum_{blocks} \max_{x\ fits} \sum_p (credit_p - cost_p) x_p

is at least the worth of any plan: a plan fits its blocks, and the credits of its residencies
together with what the ranks pay cover what it earns (weak duality, Geoffrion, Mathematical
Programming Study 2, 1974). The block's maximum may be replaced by any upper bound of it.
"""

from typing import NamedTuple

import numpy as np

from solver.compiled import compiled
from solver.methods.decomposed.network import Bool, Float64, Network, Records


class Prices(NamedTuple):
    """Price of each row (seconds) and of a byte of each GPU (seconds per byte)."""

    row: Float64
    gpu: Float64


class Range(NamedTuple):
    """Smallest and largest sensible price of each row, float64[rows] each."""

    low: Float64
    high: Float64


def price_range(network: Network) -> Range:
    """Return between which limits the best row prices lie."""
    low, high = np.zeros(network.n_rows), np.zeros(network.n_rows)
    first = network.row_start[:-1]
    uniform = network.uniform
    high[first[uniform]] = network.copies[uniform, 0] * network.value[uniform]
    for rank in range(network.copies.shape[1]):
        rows = first[~uniform] + rank
        low[rows] = -network.copies[~uniform, rank] * network.value[~uniform]
    return Range(low, high)


@compiled
def credit(network: Network, row_price: Float64, function: int, value: float) -> tuple[float, int]:
    """Return what a residency of the given value is credited, and the row it uses (-1: none)."""
    first = network.row_start[function]
    if network.uniform[function]:
        return row_price[first], first
    best, row = 0.0, -1
    for rank in range(network.copies.shape[1]):
        worth = network.copies[function, rank] * value + row_price[first + rank]
        if worth > best:
            best, row = worth, first + rank
    return best, row


@compiled
def weigh(network: Network, row_price: Float64, weight: Float64) -> None:
    """Write credit less cost of each pair to ``weight``."""
    pairs = network.pairs
    for pair in range(len(weight)):
        earned, _ = credit(network, row_price, pairs[pair].function, pairs[pair].value)
        weight[pair] = earned - pairs[pair].cost


@compiled
def constants(network: Network, row_price: Float64) -> Float64:
    """Return by function what its ranks pay and its pinned pairs are credited, less their costs."""
    totals = np.zeros(len(network.uniform))
    for function in range(len(network.uniform)):
        first = network.row_start[function]
        for rank in range(network.copies.shape[1]):
            if network.uniform[function]:
                worth = network.copies[function, rank] * network.value[function]
                totals[function] += max(0.0, worth - row_price[first])
            else:
                totals[function] -= row_price[first + rank]
    pinned = network.pinned
    for pair in range(len(pinned)):
        function = pinned[pair].function
        earned, _ = credit(network, row_price, function, pinned[pair].value)
        totals[function] += earned - pinned[pair].cost
    return totals


@compiled
def row_slope(network: Network, row_price: Float64, taken: Bool) -> Float64:
    """Return a subgradient of the bound by row price, at the pairs taken: use less supply."""
    slope = np.zeros(len(row_price))
    for function in range(len(network.uniform)):
        first = network.row_start[function]
        for rank in range(network.copies.shape[1]):
            if not network.uniform[function]:
                slope[first + rank] = -1.0
            elif network.copies[function, rank] * network.value[function] > row_price[first]:
                slope[first] -= 1.0
    for pair in range(len(taken)):
        if taken[pair]:
            _use(network, row_price, network.pairs, pair, slope)
    for pair in range(len(network.pinned)):
        _use(network, row_price, network.pinned, pair, slope)
    return slope


@compiled
def _use(network: Network, row_price: Float64, pairs: Records, pair: int, slope: Float64) -> None:
    _, row = credit(network, row_price, pairs[pair].function, pairs[pair].value)
    if row >= 0:
        slope[row] += 1.0
