"""A plan under construction, and the elementary steps on it.

Each function keeps its residencies in its own range of slots, packed at the front; the slots of one
instance are linked in a ring-free double list. Adding, removing and valuing a residency look at the
few residencies of one function and of one instance only.

The residencies of ``f`` with values ``v_(1) >= v_(2) >= ...`` earn ``sum_j P(N_f >= j) v_(j)``.
Adding one of value ``v`` below ``n`` better ones therefore earns ``P(N_f >= n + 1) v`` and pushes
each worse one a rank down.
"""

from typing import NamedTuple

import numpy as np

from solver.methods.price.blocks import Blocks, Float64, Int32, Int64
from solver.methods.price.compiled import allocating, inlined
from solver.methods.price.pair import pair_cost, value_of


class State(NamedTuple):
    """Residencies and what is left free.

    Attributes
    ----------
    mode, instance : int32[S]
        Residency in each slot; meaningless beyond a function's residents.
    next_slot, previous_slot : int32[S]
        List of the slots of one instance, -1 at its ends.
    residents : int32[F]
        Residencies of each function.
    head : int32[I]
        First slot of each instance, -1 for none.
    free_memory : int64[I]
        Bytes left in each instance.
    free_gpu : int64[K]
        Bytes left on each GPU.
    """

    mode: Int32
    instance: Int32
    next_slot: Int32
    previous_slot: Int32
    residents: Int32
    head: Int32
    free_memory: Int64
    free_gpu: Int64


@allocating
def empty_state(blocks: Blocks) -> State:
    """Return a state without residencies."""
    n_slots = blocks.slots[-1]
    return State(
        np.empty(n_slots, np.int32),
        np.empty(n_slots, np.int32),
        np.empty(n_slots, np.int32),
        np.empty(n_slots, np.int32),
        np.zeros(len(blocks.function_library), np.int32),
        np.full(len(blocks.instance_memory), -1, np.int32),
        blocks.instance_memory.copy(),
        blocks.gpu_memory.copy(),
    )


@inlined
def added_value(blocks: Blocks, state: State, function: int, value: float, without: int) -> float:
    """Return what one more residency of a function earns.

    ``without`` is a slot to be left out of account, -1 for none; with the slot of the residency
    itself this is what its removal would lose.
    """
    copies = blocks.copies[function]
    first = blocks.slots[function]
    last = first + state.residents[function]
    better = 0
    pushed = 0.0
    for slot in range(first, last):
        if slot == without:
            continue
        other = value_of(blocks, state.mode[slot], state.instance[slot])
        if other >= value:
            better += 1
        else:
            rank = _rank(blocks, state, first, last, slot, other, without)
            pushed += (_chance(copies, rank) - _chance(copies, rank + 1)) * other
    return _chance(copies, better) * value - pushed


@inlined
def _chance(copies: Float64, rank: int) -> float:
    chance: float = copies[rank] if rank < len(copies) else 0.0
    return chance


@inlined
def _rank(
    blocks: Blocks, state: State, first: int, last: int, slot: int, value: float, without: int
) -> int:
    """Count the other slots of the function that go before this one."""
    rank = 0
    for other in range(first, last):
        if other != slot and other != without:
            rival = value_of(blocks, state.mode[other], state.instance[other])
            if rival > value or (rival == value and other < slot):
                rank += 1
    return rank


@inlined
def has_library(blocks: Blocks, state: State, library: int, instance: int) -> bool:
    """Tell whether an instance holds a residency of a library group."""
    slot = state.head[instance]
    while slot >= 0:
        if blocks.function_library[blocks.mode_function[state.mode[slot]]] == library:
            return True
        slot = state.next_slot[slot]
    return False


@inlined
def needed_memory(blocks: Blocks, state: State, mode: int, instance: int) -> int:
    """Return the bytes that a residency would take now, library included."""
    library = blocks.function_library[blocks.mode_function[mode]]
    needed: int = blocks.mode_memory[mode]
    if library >= 0 and not has_library(blocks, state, library, instance):
        needed += blocks.library_memory[library]
    return needed


@inlined
def is_in(blocks: Blocks, state: State, function: int, instance: int) -> bool:
    """Tell whether an instance holds a residency of a function."""
    first = blocks.slots[function]
    for slot in range(first, first + state.residents[function]):
        if state.instance[slot] == instance:
            return True
    return False


@inlined
def fits(blocks: Blocks, state: State, mode: int, instance: int) -> bool:
    """Tell whether a residency has room, in memory, on the GPU and among its function's slots."""
    function = blocks.mode_function[mode]
    if state.residents[function] == blocks.slots[function + 1] - blocks.slots[function]:
        return False
    if blocks.mode_on_gpu[mode]:
        gpu = blocks.instance_gpu[instance]
        if gpu < 0 or blocks.mode_gpu_memory[mode] > state.free_gpu[gpu]:
            return False
    free: int = state.free_memory[instance]
    return needed_memory(blocks, state, mode, instance) <= free


@inlined
def add(blocks: Blocks, state: State, mode: int, instance: int) -> None:
    """Put a residency in place."""
    function = blocks.mode_function[mode]
    state.free_memory[instance] -= needed_memory(blocks, state, mode, instance)
    if blocks.mode_on_gpu[mode]:
        state.free_gpu[blocks.instance_gpu[instance]] -= blocks.mode_gpu_memory[mode]
    slot = blocks.slots[function] + state.residents[function]
    state.residents[function] += 1
    state.mode[slot] = mode
    state.instance[slot] = instance
    _link(state, slot, -1, state.head[instance], instance)


@inlined
def remove(blocks: Blocks, state: State, slot: int) -> None:
    """Take a residency away."""
    mode, instance = state.mode[slot], state.instance[slot]
    function = blocks.mode_function[mode]
    _unlink(state, slot)
    last = blocks.slots[function] + state.residents[function] - 1
    if last != slot:
        _move(state, last, slot)
    state.residents[function] -= 1
    state.free_memory[instance] += needed_memory(blocks, state, mode, instance)
    if blocks.mode_on_gpu[mode]:
        state.free_gpu[blocks.instance_gpu[instance]] += blocks.mode_gpu_memory[mode]


@inlined
def removal_loss(blocks: Blocks, state: State, slot: int) -> float:
    """Return what taking away a residency would lose, load cost taken off."""
    mode, instance = state.mode[slot], state.instance[slot]
    value = value_of(blocks, mode, instance)
    earned = added_value(blocks, state, blocks.mode_function[mode], value, slot)
    return earned - pair_cost(blocks, mode, instance)


@allocating
def objective(blocks: Blocks, state: State) -> float:
    """Return the value of all residencies less their load costs."""
    total = 0.0
    for function in range(len(state.residents)):
        first = blocks.slots[function]
        last = first + state.residents[function]
        for slot in range(first, last):
            mode, instance = state.mode[slot], state.instance[slot]
            value = value_of(blocks, mode, instance)
            rank = _rank(blocks, state, first, last, slot, value, -1)
            total += _chance(blocks.copies[function], rank) * value
            total -= pair_cost(blocks, mode, instance)
    return total


@inlined
def _link(state: State, slot: int, before: int, after: int, instance: int) -> None:
    state.previous_slot[slot] = before
    state.next_slot[slot] = after
    if before >= 0:
        state.next_slot[before] = slot
    else:
        state.head[instance] = slot
    if after >= 0:
        state.previous_slot[after] = slot


@inlined
def _unlink(state: State, slot: int) -> None:
    before, after = state.previous_slot[slot], state.next_slot[slot]
    if before >= 0:
        state.next_slot[before] = after
    else:
        state.head[state.instance[slot]] = after
    if after >= 0:
        state.previous_slot[after] = before


@inlined
def _move(state: State, source: int, target: int) -> None:
    """Move a residency to another slot of its function, in the same place of its list."""
    state.mode[target] = state.mode[source]
    state.instance[target] = state.instance[source]
    _link(
        state,
        target,
        state.previous_slot[source],
        state.next_slot[source],
        state.instance[source],
    )
