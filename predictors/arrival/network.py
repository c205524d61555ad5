"""The forward pass of the small network, one function at a time.

Most inputs and about half of the hidden units are zero and cost nothing, which beats a general
matrix product; and the result does not depend on the number of functions or threads.
"""

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.forecast import MAX_ARRIVALS
from predictors.arrival.jit import jit

ONE, ZERO = np.float32(1.0), np.float32(0.0)
EIGHTH = np.float32(0.125)


@jit
def dense(
    inputs: NDArray[np.float32],
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    outputs: NDArray[np.float32],
) -> None:
    """Apply a layer and keep what is positive."""
    outputs[:] = bias
    _add_products(inputs, weight, outputs)
    for i in range(len(outputs)):
        outputs[i] = max(outputs[i], ZERO)


@jit
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
    lies within the horizon; intervals beyond it need not be given. ``hazards`` is overwritten.
    """
    hazards[:] = bias[: len(hazards)]
    _add_products(hidden, weight, hazards)
    for i in range(len(hazards)):
        hazards[i] = _hazard(hazards[i])
    chance = 1.0
    for j in range(MAX_ARRIVALS):
        total = ZERO
        for b in range(len(covered)):
            total += covered[b] * hazards[b * MAX_ARRIVALS + j]
        chance *= -np.expm1(-float(total))
        at_least[j] = chance


@jit
def _add_products(
    inputs: NDArray[np.float32], weight: NDArray[np.float32], outputs: NDArray[np.float32]
) -> None:
    """Add inputs times weights, four inputs at a time, which tend to be zero together."""
    for k in range(0, len(inputs), 4):
        a, b, c, d = inputs[k], inputs[k + 1], inputs[k + 2], inputs[k + 3]
        if a != ZERO or b != ZERO or c != ZERO or d != ZERO:
            for i in range(len(outputs)):
                outputs[i] += (a * weight[k, i] + b * weight[k + 1, i]) + (
                    c * weight[k + 2, i] + d * weight[k + 3, i]
                )


@jit
def _hazard(output: float) -> float:
    """Return (1 + x / 8)^8 for positive x, its mirror image 1 / (1 - x / 8)^8 for negative ones.

    This is close to exp(x) near zero, positive everywhere, and needs no exponential.
    """
    base = ONE + EIGHTH * abs(output)
    power = base * base
    power *= power
    power *= power
    return float(power if output > ZERO else ONE / power)
