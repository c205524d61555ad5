"""The linear relaxation of a knapsack with groups: its byte price, and how sure its choices are."""

from typing import Final

import numpy as np

from solver.compiled import compiled
from solver.methods.decomposed.network import Float64, Int64, Records
from solver.methods.decomposed.scratch import Limits

_PRICE_STEPS: Final = 60
_EXACT: Final = 1e-12


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
def rank_groups(
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
        memory, _, weight = size_of(items, choice)
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
def size_of(items: Records, item: int) -> tuple[int, int, float]:
    """Return memory, GPU memory and weight of an item; nothing of item -1."""
    if item < 0:
        return 0, 0, 0.0
    return items[item].memory, items[item].gpu, items[item].weight


@compiled
def sum_suffixes(
    items: Records, groups: Records, order: Int64, suffix: Records, n_groups: int
) -> None:
    """Fill what the groups from each place on allow."""
    suffix[n_groups].low, suffix[n_groups].high = 0.0, np.inf
    suffix[n_groups].memory, suffix[n_groups].gpu = 0, 0
    for place in range(n_groups - 1, -1, -1):
        group = groups[order[place]]
        memory, gpu, _ = size_of(items, group.choice)
        suffix[place].low = max(suffix[place + 1].low, group.low)
        suffix[place].high = min(suffix[place + 1].high, group.high)
        suffix[place].memory = suffix[place + 1].memory + memory
        suffix[place].gpu = suffix[place + 1].gpu + gpu


@compiled
def greedy_value(
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
