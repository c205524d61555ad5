"""The forward pass of the small network, one function at a time.

Most inputs are zero and cost next to nothing, which beats a general matrix product; and the result
does not depend on the number of functions or threads.
"""

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.forecast import MAX_ARRIVALS
from predictors.arrival.jit import kernel

ZERO, ONE = np.float32(0.0), np.float32(1.0)
EIGHTH = np.float32(0.125)
ROW = 96
"""Floats from one row of weights to the next. With a constant the compiler sees that rows do not
overlap and keeps its loops short, which halves the time."""
PASS = 8
VECTOR = 16
"""Floats that are worked on at once; a rest that is shorter takes as long as several of these."""


def laid_out(layer: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return weights, float32[inputs, outputs], or a bias, float32[outputs], in rows of ``ROW``.

    The rows are one after another in a flat array, filled up with zeros.
    """
    rows = np.zeros((*layer.shape[:-1], ROW), np.float32)
    rows[..., : layer.shape[-1]] = layer
    return rows.ravel()


def whole_vectors(count: int) -> int:
    """Return the least multiple of ``VECTOR`` that is not below ``count``."""
    return -(-count // VECTOR) * VECTOR


@kernel
def sparse(
    inputs: NDArray[np.float32],
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    used: NDArray[np.int64],
    outputs: NDArray[np.float32],
) -> None:
    """Apply a layer and keep what is positive; four inputs that are all zero cost nothing.

    ``used`` is room for one number for every four inputs.
    """
    count, pairs = 0, inputs.view(np.int64)
    for group in range(len(pairs) // 2):
        used[count] = group
        count += (pairs[2 * group] | pairs[2 * group + 1]) != 0
    for i in range(len(outputs)):
        outputs[i] = bias[i]
    for place in range(count):
        first = 4 * used[place]
        a, b, c, d = inputs[first], inputs[first + 1], inputs[first + 2], inputs[first + 3]
        rows = weight[first * ROW : (first + 4) * ROW]
        for i in range(len(outputs)):
            outputs[i] += (a * rows[i] + b * rows[ROW + i]) + (
                c * rows[2 * ROW + i] + d * rows[3 * ROW + i]
            )
    _keep_positive(outputs)


@kernel
def dense(
    inputs: NDArray[np.float32],
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    outputs: NDArray[np.float32],
) -> None:
    """Apply a layer, its inputs a multiple of ``PASS``, and keep what is positive."""
    _add_products(inputs, weight, bias, outputs)
    _keep_positive(outputs)


@kernel
def chances(
    hidden: NDArray[np.float32],
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    covered: NDArray[np.float32],
    hazards: NDArray[np.float32],
    at_least: NDArray[np.float64],
) -> None:
    """Fill in P(N >= j), float64[4], by the last layer.

    The layer gives float32[intervals, 4], flat: increments of hazard of a first call, and of a
    second, third and fourth given the one before. ``covered`` is the share of each interval that
    lies within the horizon; intervals beyond it need not be given. ``hazards`` is overwritten; it
    has room for the intervals given, in whole vectors.
    """
    _add_products(hidden, weight, bias, hazards)
    for i in range(len(hazards)):
        hazards[i] = _hazard(hazards[i])
    first = second = third = fourth = ZERO
    for b in range(len(covered)):
        of_four = hazards[MAX_ARRIVALS * b : MAX_ARRIVALS * (b + 1)]
        first += covered[b] * of_four[0]
        second += covered[b] * of_four[1]
        third += covered[b] * of_four[2]
        fourth += covered[b] * of_four[3]
    at_least[0] = -np.expm1(-float(first))
    at_least[1] = at_least[0] * -np.expm1(-float(second))
    at_least[2] = at_least[1] * -np.expm1(-float(third))
    at_least[3] = at_least[2] * -np.expm1(-float(fourth))


@kernel
def _add_products(
    inputs: NDArray[np.float32],
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    outputs: NDArray[np.float32],
) -> None:
    """Set the outputs to the bias and inputs times weights, ``PASS`` inputs at a time."""
    for i in range(len(outputs)):
        outputs[i] = bias[i]
    for first in range(0, len(inputs), PASS):
        some = inputs[first : first + PASS]
        rows = weight[first * ROW : (first + PASS) * ROW]
        for i in range(len(outputs)):
            total = outputs[i]
            for k in range(0, PASS, 4):
                total += (some[k] * rows[k * ROW + i] + some[k + 1] * rows[(k + 1) * ROW + i]) + (
                    some[k + 2] * rows[(k + 2) * ROW + i] + some[k + 3] * rows[(k + 3) * ROW + i]
                )
            outputs[i] = total


@kernel
def _keep_positive(outputs: NDArray[np.float32]) -> None:
    for i in range(len(outputs)):
        outputs[i] = max(outputs[i], ZERO)


@kernel
def _hazard(output: np.float32) -> np.float32:
    """Return (1 + x / 8)^8 for positive x, its mirror image 1 / (1 - x / 8)^8 for negative ones.

    This is close to exp(x) near zero, positive everywhere, and needs no exponential.
    """
    base = ONE + EIGHTH * abs(output)
    power = base * base
    power *= power
    power *= power
    return power if output > ZERO else ONE / power
