"""Residencies under construction, and the elementary steps on them.

A function's residencies earn ``sum_j P(N >= j) v_(j)`` over their values in falling order, which
are kept in that order in the function's own slots.
"""

from typing import NamedTuple

import numpy as np

from solver.compiled import compiled
from solver.methods.decomposed.instance import Desk, fill_instance
from solver.methods.decomposed.network import Bool, Float64, Int64, Network
from solver.methods.decomposed.prices import Prices, credit

_TOLERANCE = 1e-9


class Placement(NamedTuple):
    """A feasible set of residencies, pinned ones included.

    Attributes
    ----------
    placed : bool[n]
        Free pairs that are placed.
    held : int64[F]
        Residencies of each function.
    value : float64[slots]
        Their values, falling, from the function's ``slot_start`` on.
    gpu : int64[K]
        Bytes left on each GPU.
    """

    placed: Bool
    held: Int64
    value: Float64
    gpu: Int64


class Terms(NamedTuple):
    """On what terms an instance is filled.

    Attributes
    ----------
    blend : float
        From 0, pairs are worth what they add at once, to 1, no more than their credit, so that a
        call is left to other instances where it is served more cheaply.
    gpu : float
        Part of the GPU price that is charged.
    noise : float
        Relative spread of random changes of worth.
    """

    blend: float
    gpu: float
    noise: float


def pinned_only(network: Network) -> Placement:
    """Return the placement of the pinned pairs."""
    placement = Placement(
        placed=np.zeros(len(network.pairs), dtype=np.bool_),
        held=np.zeros(len(network.uniform), np.int64),
        value=np.zeros(network.slot_start[-1]),
        gpu=network.gpu_memory.copy(),
    )
    for pair in network.pinned:
        _insert(network, placement, pair["function"], pair["value"])
    return placement


@compiled
def added(network: Network, placement: Placement, function: int, value: float) -> float:
    """Return what one more residency of a function earns."""
    first, n_ranks = network.slot_start[function], network.copies.shape[1]
    rank, count = 0, placement.held[function]
    while rank < count and placement.value[first + rank] >= value:
        rank += 1
    earned: float = 0.0
    for place in range(rank, min(n_ranks, count + 1)):
        before = placement.value[first + place] if place < count else 0.0
        after = value if place == rank else placement.value[first + place - 1]
        earned += network.copies[function, place] * (after - before)
    return earned


@compiled
def add(network: Network, placement: Placement, pair: int) -> float:
    """Place a free pair; return what it adds to the worth."""
    entry = network.pairs[pair]
    earned = added(network, placement, entry.function, entry.value)
    _insert(network, placement, entry.function, entry.value)
    placement.placed[pair] = True
    if entry.gpu > 0:
        placement.gpu[network.gpu[entry.instance]] -= entry.gpu
    gained: float = earned - entry.cost
    return gained


@compiled
def remove(network: Network, placement: Placement, pair: int) -> float:
    """Take a placed pair away; return what it had added to the worth."""
    entry = network.pairs[pair]
    first = network.slot_start[entry.function]
    count = placement.held[entry.function] - 1
    place = 0
    while placement.value[first + place] != entry.value:
        place += 1
    for slot in range(first + place, first + count):
        placement.value[slot] = placement.value[slot + 1]
    placement.held[entry.function] = count
    placement.placed[pair] = False
    if entry.gpu > 0:
        placement.gpu[network.gpu[entry.instance]] += entry.gpu
    lost: float = added(network, placement, entry.function, entry.value) - entry.cost
    return lost


@compiled
def _insert(network: Network, placement: Placement, function: int, value: float) -> None:
    first = network.slot_start[function]
    slot = first + placement.held[function]
    while slot > first and placement.value[slot - 1] < value:
        placement.value[slot] = placement.value[slot - 1]
        slot -= 1
    placement.value[slot] = value
    placement.held[function] += 1


@compiled
def clear(network: Network, placement: Placement, instance: int) -> float:
    """Empty an instance, but for its pins; return what its pairs had added to the worth."""
    lost = 0.0
    for pair in range(network.start[instance], network.start[instance + 1]):
        if placement.placed[pair]:
            lost += remove(network, placement, pair)
    return lost


@compiled
def refill(
    network: Network,
    placement: Placement,
    desk: Desk,
    instance: int,
    prices: Prices,
    terms: Terms,
    rng: np.random.Generator,
) -> float:
    """Fill an empty instance exactly, on the given terms; return what that adds to the worth."""
    for pair in range(network.start[instance], network.start[instance + 1]):
        entry = network.pairs[pair]
        worth = added(network, placement, entry.function, entry.value)
        if terms.blend > 0.0:
            credited, _ = credit(network, prices.row, entry.function, entry.value)
            worth += terms.blend * min(0.0, credited - worth)
        if terms.noise > 0.0:
            worth *= 1.0 + terms.noise * (rng.random() - 0.5)
        desk.weight[pair] = worth - entry.cost
    gpu = network.gpu[instance]
    gpu_memory = placement.gpu[gpu] if gpu >= 0 else 0
    gpu_price = terms.gpu * prices.gpu[gpu] if gpu >= 0 else 0.0
    filling = fill_instance(network, desk, instance, gpu_memory, gpu_price, -_TOLERANCE)
    gained = 0.0
    for index in range(filling.n_chosen):
        gained += add(network, placement, desk.chosen[index])
    return gained


@compiled
def add_if_fits(network: Network, placement: Placement, pair: int) -> bool:
    """Place a free pair unless its function is there already or memory is short."""
    entry = network.pairs[pair]
    memory = entry.memory
    if entry.library >= 0:
        memory += network.library_memory[entry.library]
    last_library = -1
    for other in range(network.start[entry.instance], network.start[entry.instance + 1]):
        if not placement.placed[other]:
            continue
        there = network.pairs[other]
        if there.function == entry.function:
            return False
        memory += there.memory
        if there.library != last_library:
            last_library = there.library
            if last_library != entry.library:
                memory += network.library_memory[last_library]
    if memory > network.memory[entry.instance]:
        return False
    if entry.gpu > 0 and entry.gpu > placement.gpu[network.gpu[entry.instance]]:
        return False
    add(network, placement, pair)
    return True
