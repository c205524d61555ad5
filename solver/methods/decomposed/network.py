"""The problem as the compiled kernels read it: pairs by instance, instances by GPU, pins taken out.

Pinned pairs are in every plan, so they are set aside once: their memory, GPU memory and libraries
are taken off what is free, other modes of their function leave the instance, and what they earn is
counted with the prices (see `prices`). All the rest is choice.

A *block* is a GPU with all its instances, or one instance without a GPU. Blocks share no memory:
only the calls that functions get tie them together.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver.problem import Problem

Bool = NDArray[np.bool_]
Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Records = NDArray[np.void]
Record = Any
"""One entry of a structured array."""

PAIR: Final = np.dtype(
    [
        ("mode", "i8"),
        ("instance", "i8"),
        ("function", "i8"),
        ("library", "i8"),
        ("memory", "i8"),
        ("gpu", "i8"),
        ("value", "f8"),
        ("cost", "f8"),
    ]
)
"""A pair: what it is (library -1 if it has none or a pinned pair brings it anyway), the bytes that
it takes without its library, seconds saved when it serves a call, and its load cost."""


class Network(NamedTuple):
    """What the kernels read; F functions, I instances, K GPUs, B blocks, J copy ranks.

    Attributes
    ----------
    pairs, pinned : PAIR[n], PAIR[m]
        The free choices, ascending by (instance, library, function), and the pinned pairs.
    start : int64[I + 1]
        Pairs of instance ``i`` are ``start[i]:start[i + 1]``.
    memory, gpu_memory : int64[I], int64[K]
        Bytes that pins leave free.
    gpu : int64[I]
        GPU of each instance, -1 for none.
    library_memory : int64[L]
        Shared bytes of each library group.
    copies : float64[F, J]
        P(at least j calls).
    uniform : bool[F]
        True where all pairs of the function, pinned ones included, have one value.
    value : float64[F]
        Largest value of a pair of the function, 0 without pairs.
    row_start : int64[F + 1]
        Price rows of each function: one if uniform, else one per copy rank.
    block_start, block_instance, block_gpu : int64[B + 1], int64[I], int64[B]
        Instances of each block, and its GPU (-1 for none).
    """

    pairs: Records
    pinned: Records
    start: Int64
    memory: Int64
    gpu_memory: Int64
    gpu: Int64
    library_memory: Int64
    copies: Float64
    uniform: Bool
    value: Float64
    row_start: Int64
    block_start: Int64
    block_instance: Int64
    block_gpu: Int64

    @property
    def n_rows(self) -> int:
        """Number of price rows."""
        return int(self.row_start[-1])

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return len(self.block_gpu)


def build_network(problem: Problem) -> Network:
    """Return the kernels' view of a problem."""
    every = _all_pairs(problem)
    is_pinned = np.zeros(len(every), dtype=np.bool_)
    is_pinned[problem.pairs.find(problem.pinned)] = True
    pinned, free = every[is_pinned], every[~is_pinned]
    memory, gpu_memory = _left_by_pins(problem, pinned)
    free["library"] = _unshared(problem, free, pinned)
    free = free[_still_possible(problem, free, pinned, memory, gpu_memory)]
    free = free[np.lexsort((free["mode"], free["function"], free["library"], free["instance"]))]
    uniform, value = _uniform(problem, every)
    row_count = np.where(uniform, 1, problem.copies.shape[1])
    gpu = problem.instance_gpu.astype(np.int64)
    return Network(
        pairs=free,
        pinned=pinned,
        start=np.searchsorted(free["instance"], np.arange(problem.n_instances + 1)).astype(
            np.int64
        ),
        memory=memory,
        gpu_memory=gpu_memory,
        gpu=gpu,
        library_memory=problem.library_memory_bytes.copy(),
        copies=problem.copies.copy(),
        uniform=uniform,
        value=value,
        row_start=_starts(row_count),
        **_blocks(gpu, problem.n_gpus),
    )


def _all_pairs(problem: Problem) -> Records:
    pairs = problem.pairs
    function = problem.mode_function[pairs.mode]
    every = np.zeros(len(pairs), dtype=PAIR)
    every["mode"], every["instance"], every["function"] = pairs.mode, pairs.instance, function
    every["library"] = problem.function_library[function]
    every["memory"] = problem.mode_memory_bytes[pairs.mode]
    every["gpu"] = problem.mode_gpu_memory_bytes[pairs.mode]
    every["value"], every["cost"] = pairs.value_s, pairs.cost_s
    return every


def _starts(counts: NDArray[np.integer]) -> Int64:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _left_by_pins(problem: Problem, pinned: Records) -> tuple[Int64, Int64]:
    """Return the free bytes of instances and GPUs after the pinned pairs and their libraries."""
    memory = problem.instance_free_memory_bytes.copy()
    gpu_memory = problem.gpu_free_memory_bytes.copy()
    np.subtract.at(memory, pinned["instance"], pinned["memory"])
    shared = pinned["library"] >= 0
    setups = np.unique(np.stack([pinned["instance"][shared], pinned["library"][shared]]), axis=1)
    np.subtract.at(memory, setups[0], problem.library_memory_bytes[setups[1]])
    on_gpu = pinned["gpu"] > 0
    gpu = problem.instance_gpu[pinned["instance"][on_gpu]]
    np.subtract.at(gpu_memory, gpu, pinned["gpu"][on_gpu])
    return memory, gpu_memory


def _unshared(problem: Problem, free: Records, pinned: Records) -> Int64:
    """Return the library of each pair, -1 where a pinned pair has brought it."""
    width = len(problem.library_names) + 1
    brought = np.isin(
        free["instance"] * width + free["library"], pinned["instance"] * width + pinned["library"]
    )
    return np.where(brought, -1, free["library"])


def _still_possible(
    problem: Problem, free: Records, pinned: Records, memory: Int64, gpu_memory: Int64
) -> Bool:
    """Tell which pairs fit beside the pins, and are no second mode of a pinned function."""
    library_bytes = np.append(problem.library_memory_bytes, 0)[free["library"]]
    gpu_free = np.append(gpu_memory, 0)[problem.instance_gpu[free["instance"]]]
    width = problem.n_functions
    second = np.isin(
        free["instance"] * width + free["function"], pinned["instance"] * width + pinned["function"]
    )
    fits = free["memory"] + library_bytes <= memory[free["instance"]]
    possible: Bool = ~second & fits & (free["gpu"] <= gpu_free)
    return possible


def _uniform(problem: Problem, every: Records) -> tuple[Bool, Float64]:
    """Return whether each function has pairs of one value only, and its largest value."""
    largest = np.zeros(problem.n_functions)
    smallest = np.full(problem.n_functions, np.inf)
    np.maximum.at(largest, every["function"], every["value"])
    np.minimum.at(smallest, every["function"], every["value"])
    return smallest >= largest, largest


def _blocks(gpu: Int64, n_gpus: int) -> dict[str, Int64]:
    """Group instances by GPU; each one without a GPU is a block of its own."""
    alone = np.flatnonzero(gpu < 0)
    key = gpu.copy()
    key[alone] = n_gpus + np.arange(len(alone))
    order = np.argsort(key, kind="stable")
    used, counts = np.unique(key, return_counts=True)
    return {
        "block_start": _starts(counts),
        "block_instance": order.astype(np.int64),
        "block_gpu": np.where(used < n_gpus, used, -1).astype(np.int64),
    }
