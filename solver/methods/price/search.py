"""What a solve works on, and the steps it takes until the deadline."""

from typing import Final

import numpy as np

from solver.deadline import Deadline
from solver.methods.price.blocks import Blocks
from solver.methods.price.chance import new_stream
from solver.methods.price.dual import Prices
from solver.methods.price.knapsack import new_items
from solver.methods.price.prices import free_of_charge
from solver.methods.price.refill import fill_up
from solver.methods.price.ruin import improve
from solver.methods.price.state import State

_CHUNK: Final = 50
"""Steps between looks at the clock, less than a millisecond of work."""
_EQUAL: Final = 1e-9
"""Changes of worth below this, in seconds saved, are rounding."""
_PRICE_END: Final = 0.9
_FIRST_PRICE: Final = 1.3
"""GPU bytes cost this part of their price at first, and nothing from ``_PRICE_END`` on."""
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
    """

    def __init__(self, blocks: Blocks, state: State, seed: int) -> None:
        self._blocks = blocks
        self._state = state
        self._stream = new_stream(seed)
        self._free = free_of_charge(blocks)
        self._items = new_items(
            max(1, len(blocks.mode_function)),
            len(blocks.function_library),
            len(blocks.library_memory),
        )

    def fill_up(self, prices: Prices, deadline: Deadline) -> None:
        """Add to every instance what fits and gains."""
        floor = np.zeros_like(prices.memory)
        for first in range(0, len(floor), _CHUNK):
            if deadline.passed:
                return
            end = first + _CHUNK
            fill_up(
                self._blocks, self._state, prices.gpu, floor, first, end, self._items, self._stream
            )

    def explore(self, prices: Prices, steps: int, deadline: Deadline) -> bool:
        """Ruin and recreate freely; tell whether all steps were taken by the deadline."""
        for done in range(0, steps, _CHUNK):
            if deadline.passed:
                return False
            progress = max(done / steps, deadline.elapsed_s / deadline.limit_s)
            share = max(0.0, 1.0 - progress / _PRICE_END)
            now = Prices(_FIRST_FLOOR * share * prices.memory, _FIRST_PRICE * share * prices.gpu)
            self._improve(now, -_EQUAL)
        return True

    def polish(self, steps: int, deadline: Deadline) -> bool:
        """Ruin and recreate, keeping only what gains; tell whether all steps were taken."""
        for _ in range(0, steps, _CHUNK):
            if deadline.passed:
                return False
            self._improve(self._free, _EQUAL)
        return True

    def _improve(self, prices: Prices, least_gain: float) -> None:
        improve(
            self._blocks,
            self._state,
            prices.gpu,
            prices.memory,
            least_gain,
            _CHUNK,
            self._items,
            self._stream,
        )
