"""Local search on several cores: each works on its own owners for a while, then they meet.

Instances are dealt out owner by owner, so no two cores touch the same function. What is free on a
GPU goes to one of the cores that have instances there; the rest of it each core can only win by
emptying its own.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from solver.deadline import Deadline
from solver.methods.decomposed.instance import Desk, new_desk
from solver.methods.decomposed.moves import Neighbours, fill_all, find_neighbours, improve
from solver.methods.decomposed.network import Int64, Network
from solver.methods.decomposed.placement import Placement, add_if_fits, pinned_only
from solver.methods.decomposed.prices import Prices

_MOVES_PER_CALL = 16
_FILLS_PER_CALL = 32


class Search:
    """A placement that gets better round by round.

    Parameters
    ----------
    network
        What is placed.
    n_parts
        How many cores may work at once.
    rng
        Source of all chance.
    """

    def __init__(self, network: Network, n_parts: int, rng: np.random.Generator) -> None:
        self.placement: Placement = pinned_only(network)
        self._network = network
        self._rng = rng
        self._neighbours: Neighbours = find_neighbours(network)
        self._desks: list[Desk] = [new_desk(network) for _ in range(n_parts)]

    def adopt(self, pairs: Int64) -> None:
        """Place those of the given free pairs that fit, in order."""
        for pair in pairs:
            add_if_fits(self._network, self.placement, pair)

    def build(self, prices: Prices, deadline: Deadline) -> None:
        """Fill the instances in random order by the prices, then each again by what it adds."""
        order = self._rng.permutation(len(self._network.owner))
        for blend in (1.0, 0.0):
            for first in range(0, len(order), _FILLS_PER_CALL):
                if deadline.passed:
                    return
                chunk = order[first : first + _FILLS_PER_CALL]
                desk, rng = self._desks[0], self._rng
                fill_all(self._network, self.placement, desk, chunk, prices, blend, rng)

    def tasks(
        self, n_parts: int, prices: Prices, deadline: Deadline
    ) -> list[Callable[[], Placement]]:
        """Deal the instances out; return one task per part, to run at once until the deadline."""
        part = self._deal(n_parts)
        free = self._share_gpus(part, n_parts)
        rngs = self._rng.spawn(n_parts)
        tasks: list[Callable[[], Placement]] = []
        for index in range(n_parts):
            placement = self.placement._replace(gpu=free[index])
            task = partial(
                self._work,
                placement,
                self._desks[index],
                part == index,
                prices,
                rngs[index],
                deadline,
            )
            tasks.append(task)
        return tasks

    def meet(self, placements: list[Placement]) -> None:
        """Put what the parts left free on the GPUs together again."""
        self.placement.gpu[:] = sum(placement.gpu for placement in placements)

    def _deal(self, n_parts: int) -> Int64:
        """Give each owner, the largest first, to the part with the fewest instances so far."""
        part = np.zeros(len(self._network.owner), np.int64)
        if n_parts == 1:
            return part
        counts = np.bincount(self._network.owner)
        order = np.lexsort((self._rng.random(len(counts)), -counts))
        load = np.zeros(n_parts)
        of_owner = np.zeros(len(counts), np.int64)
        for owner in order:
            lightest = self._rng.permutation(n_parts)
            of_owner[owner] = lightest[np.argmin(load[lightest])]
            load[of_owner[owner]] += counts[owner]
        return of_owner[self._network.owner]

    def _share_gpus(self, part: Int64, n_parts: int) -> Int64:
        """Return the free bytes that each part may use, int64[parts, K]."""
        gpu = self._network.gpu
        free = np.zeros((n_parts, len(self.placement.gpu)), np.int64)
        winner = np.zeros(len(self.placement.gpu), np.int64)
        using = self._rng.permutation(np.flatnonzero(gpu >= 0))
        winner[gpu[using]] = part[using]
        free[winner, np.arange(len(winner))] = self.placement.gpu
        return free

    def _work(
        self,
        placement: Placement,
        desk: Desk,
        mine: np.ndarray,
        prices: Prices,
        rng: np.random.Generator,
        deadline: Deadline,
    ) -> Placement:
        instances = np.flatnonzero(mine)
        while len(instances) and not deadline.passed:
            improve(
                self._network,
                self._neighbours,
                placement,
                desk,
                instances,
                mine,
                prices,
                rng,
                _MOVES_PER_CALL,
            )
        return placement
