"""The bound at given prices, with the slope along which to lower it."""

from typing import NamedTuple

import numpy as np

from solver.compiled import compiled
from solver.deadline import Deadline
from solver.methods.decomposed.block import Bench, close_block, relax_block
from solver.methods.decomposed.network import Bool, Float64, Network
from solver.methods.decomposed.prices import Prices, constants, row_slope, weigh

_CHUNK = 64
_EXACT_CHUNK = 4
_FIRST_SPREAD = 1e-4
_MARGIN = 1.25
SAFETY = 1e-9
"""Relative rounding of a bound upwards; sums of at most 1e6 doubles err by less than 1e-10."""


class Answer(NamedTuple):
    """What the blocks answered to the prices.

    Attributes
    ----------
    taken : bool[n]
        Pairs in the blocks' best choices.
    spread : float64[B]
        What the optimum of each block was found to lose against its priced relaxation.
    """

    taken: Bool
    spread: Float64


class Evaluation(NamedTuple):
    """The bound at some prices, and a subgradient.

    Attributes
    ----------
    bound : float
        Proven upper bound of the worth of any plan.
    row_slope, gpu_slope : float64[rows], float64[K]
        Along row prices, and along the prices of the GPU bytes.
    """

    bound: float
    row_slope: Float64
    gpu_slope: Float64


def new_answer(network: Network) -> Answer:
    """Return an empty answer."""
    return Answer(
        taken=np.zeros(len(network.pairs), dtype=np.bool_),
        spread=np.zeros(network.n_blocks),
    )


def evaluate(
    network: Network,
    bench: Bench,
    prices: Prices,
    answer: Answer,
    exact: bool,
    tolerance: float,
    deadline: Deadline,
) -> Evaluation | None:
    """Bound the worth of any plan; None if the deadline cuts in.

    ``exact`` asks for the exact optimum of each GPU's block. ``tolerance`` is what each instance's
    knapsack may miss; the bound counts it in.
    """
    weigh(network, prices.row, bench.desk.weight)
    bound = float(constants(network, prices.row).sum())
    gpu_slope = network.gpu_memory.astype(np.float64)
    chunk = _EXACT_CHUNK if exact else _CHUNK
    for first in range(0, network.n_blocks, chunk):
        if deadline.passed:
            return None
        end = min(first + chunk, network.n_blocks)
        bound += _bound_blocks(
            network, bench, first, end, prices.gpu, answer, gpu_slope, tolerance, exact
        )
    slope = row_slope(network, prices.row, answer.taken)
    return Evaluation(bound + SAFETY * abs(bound), slope, gpu_slope)


@compiled
def _bound_blocks(
    network: Network,
    bench: Bench,
    first: int,
    end: int,
    gpu_prices: Float64,
    answer: Answer,
    gpu_slope: Float64,
    tolerance: float,
    exact: bool,
) -> float:
    """Add up the bounds of some blocks, and take their GPU bytes off ``gpu_slope``."""
    total = 0.0
    for block in range(first, end):
        gpu = network.block_gpu[block]
        price = gpu_prices[gpu] if gpu >= 0 else 0.0
        bound, used = bound_block(network, bench, block, price, answer, tolerance, exact)
        total += bound
        if gpu >= 0:
            gpu_slope[gpu] -= used
    return total


@compiled
def bound_block(
    network: Network,
    bench: Bench,
    block: int,
    gpu_price: float,
    answer: Answer,
    tolerance: float,
    exact: bool,
) -> tuple[float, int]:
    """Return a block's bound at the weights at hand, and the GPU bytes of its priced best."""
    least = relax_block(network, bench, block, gpu_price, tolerance, answer.taken)
    gpu = network.block_gpu[block]
    if gpu < 0:
        return least, 0
    used = _gpu_use(network, block, answer.taken)
    left = network.gpu_memory[gpu] - used
    if exact and (left < 0 or gpu_price * left > tolerance):
        hint = max(answer.spread[block] * _MARGIN, _FIRST_SPREAD * least)
        closed, loss = close_block(network, bench, block, gpu_price, hint, answer.taken)
        least = min(least, closed)
        answer.spread[block] = loss
    return least, used


@compiled
def _gpu_use(network: Network, block: int, taken: Bool) -> int:
    used = 0
    for index in range(network.block_start[block], network.block_start[block + 1]):
        instance = network.block_instance[index]
        for pair in range(network.start[instance], network.start[instance + 1]):
            if taken[pair]:
                used += network.pairs[pair].gpu
    return used
