"""The knapsack of one instance: memory, GPU memory, one mode a function, shared libraries.

Depth-first branch and bound. Items go by falling ``(value - mu g) / r``, where ``mu``, the price of
a GPU byte, is such that the fractional knapsack on those reduced values uses the GPU bytes there
are. At every node, ``mu`` times the GPU bytes left plus the fractional knapsack over the items to
come bounds what can be added: Lagrangian relaxation of the GPU row and Dantzig's bound for the
memory row. Library bytes count as nothing in the bound. The search is exact unless it runs into its
node limit, and then the best found.
"""

from typing import NamedTuple

import numpy as np

from solver.methods.price.blocks import Float64, Int32, Int64
from solver.methods.price.compiled import allocating, inlined, kernel

_EPSILON = 1e-12
_PRICE_HALVINGS = 8


class Items(NamedTuple):
    """Items on offer, filled from the front, and room to search among them.

    Attributes
    ----------
    mode, function, library : int32[N]
        What the item is; library -1 for none.
    value : float64[N]
        Worth of the item, positive.
    memory, gpu_memory : int64[N]
        Bytes it takes.
    reduced, density : float64[N]
        Value less priced GPU bytes; the same per byte of memory.
    order : int32[N]
        Items by falling density.
    path, best : int32[N]
        Ranks in the order of the items in the subset at hand; items of the best subset.
    used : int32[F]
        Items at hand of each function.
    present : int32[L]
        Items at hand of each library, and residencies of it that stay in the instance.
    """

    mode: Int32
    function: Int32
    library: Int32
    value: Float64
    memory: Int64
    gpu_memory: Int64
    reduced: Float64
    density: Float64
    order: Int32
    path: Int32
    best: Int32
    used: Int32
    present: Int32


@allocating
def new_items(n_items: int, n_functions: int, n_libraries: int) -> Items:
    """Return room for a number of items."""
    return Items(
        np.empty(n_items, np.int32),
        np.empty(n_items, np.int32),
        np.empty(n_items, np.int32),
        np.empty(n_items, np.float64),
        np.empty(n_items, np.int64),
        np.empty(n_items, np.int64),
        np.empty(n_items, np.float64),
        np.empty(n_items, np.float64),
        np.empty(n_items, np.int32),
        np.empty(n_items, np.int32),
        np.empty(n_items, np.int32),
        np.zeros(n_functions, np.int32),
        np.zeros(n_libraries, np.int32),
    )


@kernel
def best_subset(
    items: Items,
    count: int,
    capacity: int,
    gpu_capacity: int,
    library_memory: Int64,
    node_limit: int,
) -> float:
    """Leave the most valuable subset in ``items.best``, -1 behind its end; return its value.

    The bytes of a library count when the first item of it comes in and none is present.
    """
    price = _rank_by_price(items, count, capacity, gpu_capacity)
    value, best_value = 0.0, 0.0
    depth, best_depth, at = 0, 0, 0
    for _ in range(node_limit):
        at_most = value + price * gpu_capacity + _dantzig(items, count, at, capacity)
        if at < count and at_most > best_value + _EPSILON:
            item = items.order[at]
            needed = _needed(items, item, library_memory)
            if (
                needed <= capacity
                and items.gpu_memory[item] <= gpu_capacity
                and items.used[items.function[item]] == 0
            ):
                capacity -= needed
                gpu_capacity -= items.gpu_memory[item]
                value += items.value[item]
                _count(items, item, 1)
                items.path[depth] = at
                depth += 1
                if value > best_value:
                    best_value, best_depth = value, depth
                    _keep(items, depth)
            at += 1
            continue
        if depth == 0:
            break
        depth -= 1
        at = items.path[depth]
        item = items.order[at]
        _count(items, item, -1)
        capacity += _needed(items, item, library_memory)
        gpu_capacity += items.gpu_memory[item]
        value -= items.value[item]
        at += 1
    for step in range(depth):
        _count(items, items.order[items.path[step]], -1)
    if best_depth < len(items.best):
        items.best[best_depth] = -1
    return best_value


@inlined
def _rank_by_price(items: Items, count: int, capacity: int, gpu_capacity: int) -> float:
    """Sort the items at the GPU price at which their fractional knapsack fits, and return it."""
    highest = 0.0
    for item in range(count):
        items.order[item] = item
        if items.gpu_memory[item] > 0:
            highest = max(highest, items.value[item] / items.gpu_memory[item])
    low, high = 0.0, highest
    price = 0.0
    for _ in range(_PRICE_HALVINGS):
        _rank(items, count, price)
        if _fractional_gpu_use(items, count, capacity) <= gpu_capacity:
            high = price
        else:
            low = price
        if high <= low:
            return price
        price = 0.5 * (low + high)
    _rank(items, count, high)
    return high


@inlined
def _rank(items: Items, count: int, gpu_price: float) -> None:
    """Sort the items by reduced value per byte at a price of a GPU byte."""
    order = items.order
    for at in range(count):
        item = order[at]
        items.reduced[item] = items.value[item] - gpu_price * items.gpu_memory[item]
        density = items.reduced[item] / (items.memory[item] + 1.0)
        items.density[item] = density
        to = at
        while to > 0 and items.density[order[to - 1]] < density:
            order[to] = order[to - 1]
            to -= 1
        order[to] = item


@inlined
def _fractional_gpu_use(items: Items, count: int, capacity: int) -> float:
    """Return the GPU bytes that the fractional knapsack takes."""
    left = float(capacity)
    used = 0.0
    for at in range(count):
        item = items.order[at]
        if items.reduced[item] <= 0.0 or left <= 0.0:
            break
        share = min(1.0, left / max(1.0, items.memory[item]))
        used += share * items.gpu_memory[item]
        left -= share * items.memory[item]
    return used


@inlined
def _dantzig(items: Items, count: int, start: int, capacity: int) -> float:
    """Return the reduced value of the fractional knapsack over the items from ``start`` on."""
    total = 0.0
    left = capacity
    for at in range(start, count):
        item = items.order[at]
        if items.reduced[item] <= 0.0:
            break
        if items.memory[item] > left:
            total += items.density[item] * (left + 1.0)
            break
        left -= items.memory[item]
        total += items.reduced[item]
    return total


@inlined
def _needed(items: Items, item: int, library_memory: Int64) -> int:
    """Return the bytes an item takes now, library included."""
    library = items.library[item]
    needed: int = items.memory[item]
    if library >= 0 and items.present[library] == 0:
        needed += library_memory[library]
    return needed


@inlined
def _count(items: Items, item: int, change: int) -> None:
    items.used[items.function[item]] += change
    if items.library[item] >= 0:
        items.present[items.library[item]] += change


@inlined
def _keep(items: Items, depth: int) -> None:
    for step in range(depth):
        items.best[step] = items.order[items.path[step]]
