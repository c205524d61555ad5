"""The Lagrangian dual: the bound that prices of memory and GPU memory prove.

With a price ``pi_i`` of a byte in instance ``i`` and ``gamma_k`` of a byte on GPU ``k`` the problem
falls apart into functions::

    D(pi, gamma) = sum_i pi_i R_i + sum_k gamma_k G_k
                 + sum_f max_S [ worth of f in the pairs S - sum_S (cost + pi r + gamma g) ]

which bounds the objective for all prices that are not negative. The worth of a set of pairs is an
assignment of copy ranks to values, a gross-substitutes valuation, so that adding the best pair
until none gains finds the maximum (Paes Leme, "Gross substitutability: an algorithmic survey",
Games and Economic Behavior 106, 2017). Library bytes, pins and the one-mode rule are left out,
which can only raise the bound.
"""

from typing import NamedTuple

import numpy as np

from solver.methods.price.blocks import Blocks, Float64, Int32, Int64
from solver.methods.price.compiled import inlined, kernel
from solver.methods.price.pair import fits_alone, value_of


class Prices(NamedTuple):
    """Seconds saved per byte.

    Attributes
    ----------
    memory : float64[I]
        Price of a byte in each instance.
    gpu : float64[K]
        Price of a byte on each GPU.
    """

    memory: Float64
    gpu: Float64


@kernel
def dual(blocks: Blocks, prices: Prices, use: Prices, values: Float64, picked: Int32) -> float:
    """Return the bound at given prices, and leave the bytes used in ``use``.

    ``values`` and ``picked`` are room for one function's pairs.
    """
    bound = _price_of_all(prices.memory, blocks.instance_memory, use.memory)
    bound += _price_of_all(prices.gpu, blocks.gpu_memory, use.gpu)
    for owner in range(len(blocks.owner_functions) - 1):
        first, last = blocks.owner_instances[owner], blocks.owner_instances[owner + 1]
        cheapest = np.inf
        for instance in range(first, last):
            cheapest = min(cheapest, prices.memory[instance])
        for function in range(blocks.owner_functions[owner], blocks.owner_functions[owner + 1]):
            bound += _best_pairs(blocks, prices, use, function, cheapest, values, picked)
    return bound


@inlined
def _best_pairs(
    blocks: Blocks,
    prices: Prices,
    use: Prices,
    function: int,
    cheapest: float,
    values: Float64,
    picked: Int32,
) -> float:
    """Return what a function can earn at given prices, and add what that uses."""
    total = 0.0
    for size in range(blocks.copies.shape[1]):
        best, best_mode, best_instance = 0.0, -1, -1
        for mode in range(blocks.function_modes[function], blocks.function_modes[function + 1]):
            at_most = _gain(blocks.copies[function], values, size, blocks.mode_saving[mode])
            if at_most - cheapest * blocks.mode_memory[mode] <= best:
                continue
            net, instance = _best_instance(blocks, prices, mode, values, picked, size, best)
            if net > best:
                best, best_mode, best_instance = net, mode, instance
        if best_mode < 0:
            break
        total += best
        _insert(values, size, value_of(blocks, best_mode, best_instance))
        picked[size] = best_instance
        use.memory[best_instance] += blocks.mode_memory[best_mode]
        if blocks.mode_on_gpu[best_mode]:
            use.gpu[blocks.instance_gpu[best_instance]] += blocks.mode_gpu_memory[best_mode]
    return total


@inlined
def _best_instance(
    blocks: Blocks,
    prices: Prices,
    mode: int,
    values: Float64,
    picked: Int32,
    size: int,
    best: float,
) -> tuple[float, int]:
    """Return the best net gain above ``best`` of one more residency in a mode, and where.

    Pairs that are not special all cost the same, which keeps the loop short.
    """
    cost = blocks.mode_cost[mode]
    if size == 0:
        net, where = _best_first(blocks, prices, mode, best + cost)
    else:
        net, where = _best_further(blocks, prices, mode, values, picked, size, best + cost)
    net -= cost
    first, last = blocks.mode_special_starts[mode], blocks.mode_special_starts[mode + 1]
    for at in range(first, last):
        index = blocks.mode_specials[at]
        instance = blocks.special_instance[index]
        if instance == where and blocks.special_cost[index] > cost:
            return _best_of_all(blocks, prices, mode, values, picked, size, best)
        if blocks.special_cost[index] == np.inf:
            continue
        if not fits_alone(blocks, mode, instance) or _is_picked(picked, size, instance):
            continue
        other = _net(blocks, prices, mode, values, size, instance) - blocks.special_cost[index]
        if other > net:
            net, where = other, instance
    return net, where


@inlined
def _best_first(blocks: Blocks, prices: Prices, mode: int, best: float) -> tuple[float, int]:
    """Do so for the first residency, without load cost and without branches."""
    function = blocks.mode_function[mode]
    owner = blocks.function_owner[function]
    worth = blocks.copies[function, 0] * blocks.mode_saving[mode]
    memory, gpu_memory = blocks.mode_memory[mode], blocks.mode_gpu_memory[mode]
    where = -1
    first, last = blocks.owner_instances[owner], blocks.owner_instances[owner + 1]
    if not blocks.mode_on_gpu[mode]:
        for instance in range(first, last):
            net = worth * blocks.instance_survival[instance] - prices.memory[instance] * memory
            better = (net > best) & (memory <= blocks.instance_memory[instance])
            best = net if better else best
            where = instance if better else where
        return best, where
    for instance in range(first, last):
        gpu = blocks.instance_gpu[instance]
        at = max(gpu, 0)
        net = worth * blocks.instance_survival[instance] - prices.memory[instance] * memory
        net -= prices.gpu[at] * gpu_memory
        fits = (memory <= blocks.instance_memory[instance]) & (gpu >= 0)
        better = (net > best) & fits & (gpu_memory <= blocks.gpu_memory[at])
        best = net if better else best
        where = instance if better else where
    return best, where


@inlined
def _best_further(
    blocks: Blocks,
    prices: Prices,
    mode: int,
    values: Float64,
    picked: Int32,
    size: int,
    best: float,
) -> tuple[float, int]:
    """Do so for a further residency, without load cost.

    Most instances survive alike, so that what a residency gains is known from the one before.
    """
    owner = blocks.function_owner[blocks.mode_function[mode]]
    copies = blocks.copies[blocks.mode_function[mode]]
    where = -1
    value, gain = np.nan, 0.0
    for instance in range(blocks.owner_instances[owner], blocks.owner_instances[owner + 1]):
        if value_of(blocks, mode, instance) != value:
            value = value_of(blocks, mode, instance)
            gain = _gain(copies, values, size, value)
        if gain - prices.memory[instance] * blocks.mode_memory[mode] <= best:
            continue
        if fits_alone(blocks, mode, instance) and not _is_picked(picked, size, instance):
            net = _less_price(blocks, prices, mode, instance, gain)
            if net > best:
                best, where = net, instance
    return best, where


@kernel
def _best_of_all(
    blocks: Blocks,
    prices: Prices,
    mode: int,
    values: Float64,
    picked: Int32,
    size: int,
    best: float,
) -> tuple[float, int]:
    """Do so with the load cost of each pair."""
    owner = blocks.function_owner[blocks.mode_function[mode]]
    at, end = blocks.mode_special_starts[mode], blocks.mode_special_starts[mode + 1]
    where = -1
    for instance in range(blocks.owner_instances[owner], blocks.owner_instances[owner + 1]):
        cost = blocks.mode_cost[mode]
        if at < end and blocks.special_instance[blocks.mode_specials[at]] == instance:
            cost = blocks.special_cost[blocks.mode_specials[at]]
            at += 1
        if fits_alone(blocks, mode, instance) and not _is_picked(picked, size, instance):
            net = _net(blocks, prices, mode, values, size, instance) - cost
            if net > best:
                best, where = net, instance
    return best, where


@inlined
def _net(
    blocks: Blocks, prices: Prices, mode: int, values: Float64, size: int, instance: int
) -> float:
    """Return what one more residency gains over the price of its bytes."""
    copies = blocks.copies[blocks.mode_function[mode]]
    gain = _gain(copies, values, size, value_of(blocks, mode, instance))
    return _less_price(blocks, prices, mode, instance, gain)


@inlined
def _less_price(blocks: Blocks, prices: Prices, mode: int, instance: int, gain: float) -> float:
    """Take the price of a residency's bytes off what it gains."""
    net = gain - float(prices.memory[instance] * blocks.mode_memory[mode])
    if blocks.mode_on_gpu[mode]:
        net -= prices.gpu[blocks.instance_gpu[instance]] * blocks.mode_gpu_memory[mode]
    return net


@inlined
def _gain(copies: Float64, values: Float64, size: int, value: float) -> float:
    """Return what a value adds to some others, in falling order."""
    better = 0
    while better < size and values[better] >= value:
        better += 1
    gain: float = copies[better] * value
    for rank in range(better, size):
        gain -= (copies[rank] - copies[rank + 1]) * values[rank]
    return gain


@inlined
def _insert(values: Float64, size: int, value: float) -> None:
    """Insert a value among some others, in falling order."""
    at = size
    while at > 0 and values[at - 1] < value:
        values[at] = values[at - 1]
        at -= 1
    values[at] = value


@inlined
def _is_picked(picked: Int32, size: int, instance: int) -> bool:
    for at in range(size):  # noqa: SIM110
        if picked[at] == instance:
            return True
    return False


@inlined
def _price_of_all(price: Float64, capacity: Int64, use: Float64) -> float:
    """Return what all capacity costs, and start to count its use."""
    total = 0.0
    for index in range(len(price)):
        total += price[index] * capacity[index]
        use[index] = 0.0
    return total
