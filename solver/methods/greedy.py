"""Place candidates one at a time in a given order: the core of both baselines."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver.compiled import compiled
from solver.pairs import Rows
from solver.problem import Float64, Int32, Int64, Problem

BEST_FIT: Final = 1
WORST_FIT: Final = -1


class _Pairs(NamedTuple):
    """The allowed pairs; those of mode m are ``start[m]:start[m + 1]``.

    The modes of function f are ``mode_start[f]:mode_start[f + 1]``.
    ``setup`` points at ``setup_bytes``, ``gpu`` at a GPU; both -1 for none.
    """

    mode_start: Int32
    start: Int64
    function: Int32
    instance: Int32
    value_s: Float64
    cost_s: Float64
    held: NDArray[np.bool_]
    memory: Int64
    gpu: Int32
    gpu_memory: Int64
    setup: Int32
    setup_bytes: Int64


class _State(NamedTuple):
    """What is placed so far, and what is left free."""

    chosen: NDArray[np.bool_]
    copies: Int64
    present: NDArray[np.bool_]
    free: Int64
    gpu_free: Int64


def place_in_order(
    problem: Problem, mode: NDArray[np.int64], rank: NDArray[np.int64], fit: int
) -> Rows:
    """Place candidate residencies one at a time.

    A candidate goes into the instance that it fits most tightly (``BEST_FIT``) or most loosely
    (``WORST_FIT``) by memory, held pairs first since they cost nothing. It is passed over when
    its function has that many residencies already, when it fits nowhere, and when it would earn
    less than it costs. Pinned pairs are placed before all others.

    Parameters
    ----------
    mode, rank : int64[n]
        Mode of each candidate, and which copy of its function it would be, from 0.
    fit
        ``BEST_FIT`` or ``WORST_FIT``.

    Returns
    -------
    int32[k, 2]
        Placed rows (mode, instance).
    """
    pairs = problem.pairs
    state = _nothing_placed(problem)
    _place(_columns(problem), state, pairs.find(problem.pinned), mode, rank, problem.copies, fit)
    return pairs.rows(state.chosen)


def place_fitting(problem: Problem, rows: Rows) -> Rows:
    """Return the pinned pairs and, in the order given, all rows (mode, instance) that still fit.

    Rows that are not allowed are left out.
    """
    pairs = problem.pairs
    wanted = np.concatenate([pairs.find(problem.pinned), pairs.find(rows)])
    state = _nothing_placed(problem)
    _place_pairs(_columns(problem), state, wanted[wanted >= 0])
    return pairs.rows(state.chosen)


def _nothing_placed(problem: Problem) -> _State:
    return _State(
        chosen=np.zeros(len(problem.pairs), dtype=np.bool_),
        copies=np.zeros(problem.n_functions, dtype=np.int64),
        present=np.zeros(len(problem.pairs.setups.library) + 1, dtype=np.bool_),
        free=problem.instance_free_memory_bytes.copy(),
        gpu_free=np.append(problem.gpu_free_memory_bytes, 0),
    )


def _columns(problem: Problem) -> _Pairs:
    pairs = problem.pairs
    on_gpu = problem.mode_tier[pairs.mode] == 1
    return _Pairs(
        mode_start=problem.mode_start,
        start=pairs.start,
        function=pairs.function,
        instance=pairs.instance,
        value_s=pairs.value_s,
        cost_s=pairs.cost_s,
        held=pairs.held,
        memory=problem.mode_memory_bytes[pairs.mode],
        gpu=np.where(on_gpu, problem.instance_gpu[pairs.instance], np.int32(-1)),
        gpu_memory=problem.mode_gpu_memory_bytes[pairs.mode],
        setup=pairs.setups.of_pair,
        setup_bytes=np.append(problem.library_memory_bytes[pairs.setups.library], 0),
    )


@compiled
def _place(
    pairs: _Pairs,
    state: _State,
    pinned: Int64,
    mode: Int64,
    rank: Int64,
    copies: Float64,
    fit: int,
) -> None:
    for pair in pinned:
        _put(pairs, state, pair)
    for n in range(len(mode)):
        begin, end = pairs.start[mode[n]], pairs.start[mode[n] + 1]
        if begin == end or state.copies[pairs.function[begin]] > rank[n]:
            continue
        chance = copies[pairs.function[begin], rank[n]]
        best, best_rank, best_left = -1, -1, 0
        for pair in range(begin, end):
            left = state.free[pairs.instance[pair]] - _need(pairs, state, pair)
            held = int(pairs.held[pair])
            if left < 0 or pairs.gpu_memory[pair] > state.gpu_free[pairs.gpu[pair]]:
                continue
            if held < best_rank or (held == best_rank and fit * left >= fit * best_left):
                continue
            if chance * pairs.value_s[pair] <= pairs.cost_s[pair]:
                continue
            if _resident(pairs, state, pair):
                continue
            best, best_rank, best_left = pair, held, left
        if best >= 0:
            _put(pairs, state, best)


@compiled
def _place_pairs(pairs: _Pairs, state: _State, wanted: Int64) -> None:
    for pair in wanted:
        left = state.free[pairs.instance[pair]] - _need(pairs, state, pair)
        fits = left >= 0 and pairs.gpu_memory[pair] <= state.gpu_free[pairs.gpu[pair]]
        if fits and not _resident(pairs, state, pair):
            _put(pairs, state, pair)


@compiled
def _need(pairs: _Pairs, state: _State, pair: int) -> int:
    setup = pairs.setup[pair]
    shared = 0 if state.present[setup] else pairs.setup_bytes[setup]
    return int(pairs.memory[pair] + shared)


@compiled
def _put(pairs: _Pairs, state: _State, pair: int) -> None:
    state.free[pairs.instance[pair]] -= _need(pairs, state, pair)
    state.present[pairs.setup[pair]] = pairs.setup[pair] >= 0
    state.gpu_free[pairs.gpu[pair]] -= pairs.gpu_memory[pair]
    state.copies[pairs.function[pair]] += 1
    state.chosen[pair] = True


@compiled
def _resident(pairs: _Pairs, state: _State, pair: int) -> bool:
    """Tell whether the pair's instance has its function in any tier already."""
    function, instance = pairs.function[pair], pairs.instance[pair]
    if state.copies[function] == 0:
        return False
    for mode in range(pairs.mode_start[function], pairs.mode_start[function + 1]):
        begin, end = pairs.start[mode], pairs.start[mode + 1]
        at = begin + np.searchsorted(pairs.instance[begin:end], instance)
        if at < end and pairs.instance[at] == instance and state.chosen[at]:
            return True
    return False
