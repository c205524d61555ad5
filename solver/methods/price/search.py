"""What a solve works on, and the steps it takes until the deadline."""

from typing import Final

import numpy as np

from solver.deadline import Deadline
from solver.methods.price.blocks import Blocks, Float64
from solver.methods.price.chance import new_stream
from solver.methods.price.knapsack import new_items
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
        self._items = new_items(
            max(1, len(blocks.mode_function)),
            len(blocks.function_library),
            len(blocks.library_memory),
        )

    def fill_up(self, gpu_price: Float64, deadline: Deadline) -> None:
        """Add to every instance what fits and gains."""
        for first in range(0, len(self._blocks.instance_memory), _CHUNK):
            if deadline.passed:
                return
            end = first + _CHUNK
            fill_up(self._blocks, self._state, gpu_price, first, end, self._items, self._stream)

    def explore(self, gpu_price: Float64, steps: int, deadline: Deadline) -> bool:
        """Ruin and recreate freely; tell whether all steps were taken by the deadline."""
        for done in range(0, steps, _CHUNK):
            if deadline.passed:
                return False
            progress = max(done / steps, deadline.elapsed_s / deadline.limit_s)
            share = _FIRST_PRICE * max(0.0, 1.0 - progress / _PRICE_END)
            self._improve(share * gpu_price, -_EQUAL)
        return True

    def polish(self, steps: int, deadline: Deadline) -> bool:
        """Ruin and recreate, keeping only what gains; tell whether all steps were taken."""
        free = np.zeros(len(self._blocks.gpu_memory))
        for _ in range(0, steps, _CHUNK):
            if deadline.passed:
                return False
            self._improve(free, _EQUAL)
        return True

    def _improve(self, gpu_price: Float64, least_gain: float) -> None:
        improve(self._blocks, self._state, gpu_price, least_gain, _CHUNK, self._items, self._stream)
