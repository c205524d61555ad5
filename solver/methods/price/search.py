"""What a solve works on, and the steps it takes until the deadline."""

from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np

from solver.deadline import Deadline
from solver.methods.price.blocks import Blocks
from solver.methods.price.chance import Stream, new_stream
from solver.methods.price.dual import Prices
from solver.methods.price.knapsack import Items, new_items
from solver.methods.price.prices import free_of_charge
from solver.methods.price.refill import fill_up
from solver.methods.price.ruin import improve
from solver.methods.price.share import Share, everyone, share_gpus, split_owners
from solver.methods.price.state import State

_CHUNK: Final = 50
"""Instances filled between looks at the clock, less than a millisecond of work."""
_STEPS: Final = 100
"""Steps between looks at the clock, which is as long; to start them takes as long as ten steps."""
_SHARED_STEPS: Final = 200
"""The same for each of several threads, which have to meet every time."""
_EQUAL: Final = 1e-9
"""Changes of worth below this, in seconds saved, are rounding."""
_PRICE_END: Final = 0.9
"""From this part of the search on, prices are nothing."""
_FIRST_FLOOR: Final = 0.8
"""Items that earn less than this part of the price of their memory are passed over at first, which
leaves time for a third more steps: 1.2 % from the bound after 15 ms at 1,000 functions, not 1.5 %.
"""


class Search:
    """A state that gets better step by step.

    Parameters
    ----------
    blocks
        What is placed.
    state
        Where to start; changed in place.
    seed
        Source of all chance.
    threads
        How many search at the same time, each among owners of its own; these change all the time.
    """

    def __init__(self, blocks: Blocks, state: State, seed: int, threads: int = 1) -> None:
        self._blocks = blocks
        self._state = state
        self._stream = new_stream(seed, threads)
        self._free = free_of_charge(blocks)
        self._hands = [_new_hand(blocks, seed, number) for number in range(threads)]
        self._steps = _STEPS if threads == 1 else threads * _SHARED_STEPS
        self._pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None

    def __enter__(self) -> "Search":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def fill_up(self, prices: Prices, deadline: Deadline) -> None:
        """Add to every instance what fits and gains."""
        floor = np.zeros_like(prices.memory)
        for first in range(0, len(floor), _CHUNK):
            if deadline.passed:
                return
            end = first + _CHUNK
            hand = self._hands[0]
            fill_up(
                self._blocks, self._state, prices.gpu, floor, first, end, hand.items, hand.stream
            )

    def explore(self, prices: Prices, gpu_ratio: float, steps: int, deadline: Deadline) -> bool:
        """Ruin and recreate freely; tell whether all steps were taken by the deadline.

        GPU bytes cost ``gpu_ratio`` times their price at first, and nothing in the end.
        """
        for done in range(0, steps, self._steps):
            if deadline.passed:
                return False
            progress = max(done / steps, deadline.elapsed_s / deadline.limit_s)
            share = max(0.0, 1.0 - progress / _PRICE_END)
            now = Prices(_FIRST_FLOOR * share * prices.memory, gpu_ratio * share * prices.gpu)
            self._improve(now, -_EQUAL, min(self._steps, steps - done))
        return True

    def polish(self, steps: int, deadline: Deadline) -> bool:
        """Ruin and recreate, keeping only what gains; tell whether all steps were taken."""
        for done in range(0, steps, self._steps):
            if deadline.passed:
                return False
            self._improve(self._free, _EQUAL, min(self._steps, steps - done))
        return True

    def _improve(self, prices: Prices, least_gain: float, steps: int) -> None:
        if self._pool is None:
            share = everyone(self._blocks)
            self._work(self._hands[0], self._state, share, prices, least_gain, steps)
            return
        threads = len(self._hands)
        sides = split_owners(self._blocks, threads, self._stream)
        states = share_gpus(self._blocks, self._state, sides, threads, self._stream)
        others = [
            self._pool.submit(
                self._work, hand, state, Share(sides, number), prices, least_gain, steps // threads
            )
            for number, (hand, state) in enumerate(zip(self._hands, states, strict=True))
            if number > 0
        ]
        first = Share(sides, 0)
        self._work(self._hands[0], states[0], first, prices, least_gain, steps // threads)
        for other in others:
            other.result()
        self._state.free_gpu[:] = sum(state.free_gpu for state in states)

    def _work(
        self,
        hand: "_Hand",
        state: State,
        share: Share,
        prices: Prices,
        least_gain: float,
        steps: int,
    ) -> None:
        improve(
            self._blocks,
            state,
            share,
            prices.gpu,
            prices.memory,
            least_gain,
            steps,
            hand.items,
            hand.stream,
        )


class _Hand(NamedTuple):
    """What one thread works with."""

    items: Items
    stream: Stream


def _new_hand(blocks: Blocks, seed: int, number: int) -> _Hand:
    items = new_items(
        max(1, len(blocks.mode_function)), len(blocks.function_library), len(blocks.library_memory)
    )
    return _Hand(items, new_stream(seed, number))
