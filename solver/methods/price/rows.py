"""States from rows (mode, instance) of a problem, and back."""

import numpy as np

from solver.methods.price.blocks import Blocks, Int32, Numbering
from solver.methods.price.compiled import allocating
from solver.methods.price.pair import pair_cost
from solver.methods.price.state import State, add, empty_state, fits, is_in
from solver.problem import Problem


def start(problem: Problem, blocks: Blocks, numbering: Numbering, rows: Int32) -> State:
    """Return the state of the pinned rows and of as many of the others as fit, in their order."""
    return _state_of(
        blocks,
        np.concatenate([problem.pinned, rows]),
        numbering.new_mode,
        numbering.new_instance,
    )


def rows_of(blocks: Blocks, state: State, numbering: Numbering) -> Int32:
    """Return the residencies of a state as rows of the problem, ascending, read-only."""
    mode, instance = _residencies(blocks, state)
    rows = np.stack([numbering.old_mode[mode], numbering.old_instance[instance]], axis=1)
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    rows.flags.writeable = False
    return rows


@allocating
def _state_of(blocks: Blocks, rows: Int32, new_mode: Int32, new_instance: Int32) -> State:
    state = empty_state(blocks)
    for at in range(len(rows)):
        mode, instance = new_mode[rows[at, 0]], new_instance[rows[at, 1]]
        function = blocks.mode_function[mode]
        if is_in(blocks, state, function, instance) or not fits(blocks, state, mode, instance):
            continue
        if pair_cost(blocks, mode, instance) < np.inf:
            add(blocks, state, mode, instance)
    return state


@allocating
def _residencies(blocks: Blocks, state: State) -> tuple[Int32, Int32]:
    """Return modes and instances of all residencies."""
    mode = np.empty(state.residents.sum(), np.int32)
    instance = np.empty(len(mode), np.int32)
    at = 0
    for function in range(len(state.residents)):
        first = blocks.slots[function]
        for slot in range(first, first + state.residents[function]):
            mode[at] = state.mode[slot]
            instance[at] = state.instance[slot]
            at += 1
    return mode, instance
