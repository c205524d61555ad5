"""Ruin a few neighbouring instances and refill them one by one, each exactly."""

from typing import Final, NamedTuple

import numpy as np

from solver.compiled import compiled
from solver.methods.decomposed.instance import Desk
from solver.methods.decomposed.network import Bool, Int64, Network
from solver.methods.decomposed.placement import Placement, Terms, add, clear, refill
from solver.methods.decomposed.prices import Prices

_MOST_RUINED: Final = 6
_WORSE: Final = 1e-12


class Neighbours(NamedTuple):
    """Instances that compete: those of one owner for calls, those of a block for GPU memory.

    Attributes
    ----------
    owner_start, owner_instance : int64[O + 1], int64[I]
        Instances of each owner.
    block : int64[I]
        Block of each instance.
    """

    owner_start: Int64
    owner_instance: Int64
    block: Int64


def find_neighbours(network: Network) -> Neighbours:
    """Return who competes with whom."""
    n_owners = int(network.owner.max(initial=-1)) + 1
    block = np.empty(len(network.owner), np.int64)
    sizes = np.diff(network.block_start)
    block[network.block_instance] = np.repeat(np.arange(network.n_blocks), sizes)
    order = np.argsort(network.owner, kind="stable")
    return Neighbours(
        owner_start=np.searchsorted(network.owner[order], np.arange(n_owners + 1)).astype(np.int64),
        owner_instance=order.astype(np.int64),
        block=block,
    )


@compiled
def fill_all(
    network: Network,
    placement: Placement,
    desk: Desk,
    instances: Int64,
    prices: Prices,
    blend: float,
    rng: np.random.Generator,
) -> float:
    """Empty and refill instances in turn; return the change in worth."""
    change = 0.0
    for instance in instances:
        change -= clear(network, placement, instance)
        change += refill(network, placement, desk, instance, prices, Terms(blend, blend, 0.0), rng)
    return change


@compiled
def improve(
    network: Network,
    neighbours: Neighbours,
    placement: Placement,
    desk: Desk,
    instances: Int64,
    mine: Bool,
    prices: Prices,
    rng: np.random.Generator,
    n_moves: int,
) -> float:
    """Make moves around random ones of ``instances`` that touch only ``mine``; return the gain.

    All but the last ruined instance are refilled on random terms between greed and the prices, then
    again as they stand best. A move that lowers the worth is taken back.
    """
    ruined = np.empty(_MOST_RUINED, np.int64)
    saved = np.empty(len(desk.chosen) * _MOST_RUINED, np.int64)
    gained = 0.0
    for _ in range(n_moves):
        first = instances[rng.integers(0, len(instances))]
        n_ruined = _choose(network, neighbours, first, mine, ruined, rng)
        n_saved = 0
        for instance in ruined[:n_ruined]:
            for pair in range(network.start[instance], network.start[instance + 1]):
                if placement.placed[pair]:
                    saved[n_saved] = pair
                    n_saved += 1
        change = _rebuild(network, placement, desk, ruined[:n_ruined], prices, rng)
        if change < -_WORSE:
            for instance in ruined[:n_ruined]:
                clear(network, placement, instance)
            for pair in saved[:n_saved]:
                add(network, placement, pair)
        else:
            gained += change
    return gained


@compiled
def _choose(
    network: Network,
    neighbours: Neighbours,
    first: int,
    mine: Bool,
    ruined: Int64,
    rng: np.random.Generator,
) -> int:
    """Pick the instances to ruin, in random order; return how many."""
    ruined[0], n_ruined = first, 1
    for _ in range(rng.integers(1, _MOST_RUINED)):
        other = _neighbour(network, neighbours, first, rng)
        is_new = mine[other]
        for instance in ruined[:n_ruined]:
            is_new = is_new and instance != other
        if is_new:
            ruined[n_ruined] = other
            n_ruined += 1
    for place in range(n_ruined - 1, 0, -1):
        swap = rng.integers(0, place + 1)
        ruined[place], ruined[swap] = ruined[swap], ruined[place]
    return n_ruined


@compiled
def _neighbour(
    network: Network, neighbours: Neighbours, instance: int, rng: np.random.Generator
) -> int:
    """Return a random instance of the same owner or of the same block."""
    if network.gpu[instance] >= 0 and rng.random() < 0.5:
        among, group, start = (
            network.block_instance,
            neighbours.block[instance],
            network.block_start,
        )
    else:
        among, group = neighbours.owner_instance, network.owner[instance]
        start = neighbours.owner_start
    other: int = among[rng.integers(start[group], start[group + 1])]
    return other


@compiled
def _rebuild(
    network: Network,
    placement: Placement,
    desk: Desk,
    ruined: Int64,
    prices: Prices,
    rng: np.random.Generator,
) -> float:
    """Empty the instances and refill them on random terms, then greedily; return the change."""
    change = 0.0
    for instance in ruined:
        change -= clear(network, placement, instance)
    blend = 1.0 if rng.random() < 0.5 else rng.random()
    noise = 0.3 * rng.random() if rng.random() < 0.5 else 0.0
    terms = Terms(blend, rng.random(), noise)
    greedy = Terms(0.0, 0.0, 0.0)
    last = len(ruined) - 1
    for place in range(last + 1):
        on = terms if place < last else greedy
        change += refill(network, placement, desk, ruined[place], prices, on, rng)
    for place in range(last):
        change -= clear(network, placement, ruined[place])
        change += refill(network, placement, desk, ruined[place], prices, greedy, rng)
    return change
