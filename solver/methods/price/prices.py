"""Prices of memory and GPU memory: the dual, lowered by subgradient steps.

The dual's subgradient is capacity less use. Steps are relative to capacity, averaged with the step
before, and shrink geometrically (Shor, "Minimization Methods for Non-Differentiable Functions",
1985; Camerini, Fratta and Maffioli, Mathematical Programming Study 3, 1975).
"""

from typing import Final, NamedTuple

import numpy as np

from solver.deadline import Deadline
from solver.methods.price.blocks import Blocks, Float64, Int32, Int64
from solver.methods.price.compiled import allocating, inlined
from solver.methods.price.dual import Prices, dual

_STEPS: Final = 40
_FIRST_STEP: Final = 0.05
_LAST_STEP: Final = 0.002
"""Step lengths fall geometrically, as parts of the bound."""
_LENGTHS: Final = np.array(
    [_FIRST_STEP * (_LAST_STEP / _FIRST_STEP) ** (step / _STEPS) for step in range(_STEPS)]
)
_MOMENTUM: Final = 0.5
_MODES_A_LOOK: Final = 4000
"""Modes to be priced between looks at the clock, less than a millisecond of work."""


class Walk(NamedTuple):
    """Prices on their way down.

    Attributes
    ----------
    now, best : Prices
        Where the walk stands, and where the bound was least.
    use, excess : Prices
        Bytes used at the prices, and the average excess over capacity, relative to it.
    values, picked : float64[J], int32[J]
        Room for one function's pairs.
    """

    now: Prices
    best: Prices
    use: Prices
    excess: Prices
    values: Float64
    picked: Int32


@allocating
def first_prices(blocks: Blocks) -> Prices:
    """Return one price for all memory, and half of it for GPU memory: a rough start."""
    value, memory = 0.0, 1.0
    for mode in range(len(blocks.mode_function)):
        value += blocks.copies[blocks.mode_function[mode], 0] * blocks.mode_saving[mode]
        memory += blocks.mode_memory[mode]
    price: float = 0.15 * value / memory
    return Prices(
        np.full(len(blocks.instance_memory), price), np.full(len(blocks.gpu_memory), 0.5 * price)
    )


def free_of_charge(blocks: Blocks) -> Prices:
    """Return prices of nothing."""
    return Prices(np.zeros(len(blocks.instance_memory)), np.zeros(len(blocks.gpu_memory)))


def lower(blocks: Blocks, start: Prices, deadline: Deadline) -> tuple[float, Prices]:
    """Lower the dual from given prices; return the least bound met and its prices."""
    walk = _new_walk(blocks, start)
    least = np.inf
    chunk = max(1, _MODES_A_LOOK // max(1, len(blocks.mode_function)))
    for first in range(0, _STEPS, chunk):
        if first > 0 and deadline.passed:
            break
        least = _take_steps(blocks, walk, least, _LENGTHS[first : first + chunk])
    return least, walk.best


def bound_at(blocks: Blocks, prices: Prices) -> float:
    """Return the bound that given prices prove."""
    walk = _new_walk(blocks, prices)
    return dual(blocks, walk.now, walk.use, walk.values, walk.picked)


@allocating
def _new_walk(blocks: Blocks, start: Prices) -> Walk:
    n_ranks = blocks.copies.shape[1]
    return Walk(
        Prices(start.memory.copy(), start.gpu.copy()),
        Prices(start.memory.copy(), start.gpu.copy()),
        Prices(np.empty_like(start.memory), np.empty_like(start.gpu)),
        Prices(np.zeros_like(start.memory), np.zeros_like(start.gpu)),
        np.empty(n_ranks),
        np.empty(n_ranks, np.int32),
    )


@allocating
def _take_steps(blocks: Blocks, walk: Walk, least: float, lengths: Float64) -> float:
    """Take steps of given lengths one after the other; return the least bound by then."""
    for length in lengths:
        least = _take_step(blocks, walk, least, length)
    return least


@allocating
def _take_step(blocks: Blocks, walk: Walk, least: float, length: float) -> float:
    """Evaluate the prices at hand and move on; return the least bound by now."""
    bound = dual(blocks, walk.now, walk.use, walk.values, walk.picked)
    if bound < least:
        least = bound
        walk.best.memory[:] = walk.now.memory
        walk.best.gpu[:] = walk.now.gpu
    norm = _average(walk.excess.memory, walk.use.memory, blocks.instance_memory)
    norm += _average(walk.excess.gpu, walk.use.gpu, blocks.gpu_memory)
    if norm > 0.0:
        scale = length * bound / norm
        _move(walk.now.memory, walk.excess.memory, blocks.instance_memory, scale)
        _move(walk.now.gpu, walk.excess.gpu, blocks.gpu_memory, scale)
    return least


@inlined
def _average(excess: Float64, use: Float64, capacity: Int64) -> float:
    """Average the relative excess use with that of earlier steps; return its squared norm."""
    norm = 0.0
    for index in range(len(use)):
        now = use[index] / max(1.0, capacity[index]) - 1.0
        excess[index] = _MOMENTUM * excess[index] + (1.0 - _MOMENTUM) * now
        norm += excess[index] ** 2
    return norm


@inlined
def _move(price: Float64, excess: Float64, capacity: Int64, length: float) -> None:
    for index in range(len(price)):
        step = length * excess[index] / max(1.0, capacity[index])
        price[index] = max(0.0, price[index] + step)
