"""Random numbers for the kernels: xorshift64*, its state in an array that the caller owns.

Source: S. Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled",
ACM TOMS 42(4), 2016.
"""

import numpy as np
from numpy.typing import NDArray

from solver.methods.price.compiled import inlined

Stream = NDArray[np.uint64]


def new_stream(seed: int, number: int = 0) -> Stream:
    """Return a stream of its own for each seed and number."""
    state = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
    return np.maximum(state, np.uint64(1))


@inlined
def bits(stream: Stream) -> np.uint64:
    """Return the next 64 random bits."""
    x = stream[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    stream[0] = x
    scrambled: np.uint64 = x * np.uint64(0x2545F4914F6CDD1D)
    return scrambled


@inlined
def uniform(stream: Stream) -> float:
    """Return a number in [0, 1)."""
    return np.float64(bits(stream) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@inlined
def below(stream: Stream, limit: int) -> int:
    """Return an integer in 0..limit-1."""
    return int(uniform(stream) * limit)
