from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.methods.price.knapsack import best_subset, new_items

UNLIMITED_NODES = 10**9
LIBRARIES = 2

small = st.integers(0, 12)
item = st.tuples(st.integers(1, 20), small, small, st.integers(-1, LIBRARIES - 1))
"""Value, memory, GPU memory and library."""


def worth_and_use(
    items: list[tuple[int, int, int, int]], taken: list[int], libraries: list[int]
) -> tuple[int, int, int]:
    """Return value, memory with libraries, and GPU memory of some items."""
    present = {items[index][3] for index in taken} - {-1}
    memory = sum(items[index][1] for index in taken) + sum(libraries[x] for x in present)
    value = sum(items[index][0] for index in taken)
    return value, memory, sum(items[index][2] for index in taken)


@settings(max_examples=200)
@given(
    items=st.lists(item, max_size=8),
    functions=st.lists(st.integers(0, 3), min_size=8, max_size=8),
    libraries=st.lists(small, min_size=LIBRARIES, max_size=LIBRARIES),
    memory=st.integers(0, 30),
    gpu_memory=st.integers(0, 30),
)
def test_best_subset_agrees_with_trying_all(
    items: list[tuple[int, int, int, int]],
    functions: list[int],
    libraries: list[int],
    memory: int,
    gpu_memory: int,
) -> None:
    room = new_items(8, 4, LIBRARIES)
    # A function has one library.
    items = [(*entry[:3], items[functions.index(functions[at])][3])
             if functions.index(functions[at]) < len(items) else entry
             for at, entry in enumerate(items)]  # fmt: skip
    for at, (value, own, gpu, library) in enumerate(items):
        room.value[at], room.memory[at], room.gpu_memory[at] = value, own, gpu
        room.library[at], room.function[at] = library, functions[at]
    found = best_subset(room, len(items), memory, gpu_memory, np.array(libraries), UNLIMITED_NODES)
    best = 0
    for choice in product((False, True), repeat=len(items)):
        taken = [at for at, is_in in enumerate(choice) if is_in]
        value, use, gpu_use = worth_and_use(items, taken, libraries)
        once = len({functions[at] for at in taken}) == len(taken)
        if once and use <= memory and gpu_use <= gpu_memory:
            best = max(best, value)
    assert found == pytest.approx(best)
    end = list(room.best[: len(items)]).index(-1) if -1 in room.best[: len(items)] else len(items)
    taken = [int(at) for at in room.best[:end]]
    value, use, gpu_use = worth_and_use(items, taken, libraries)
    assert value == pytest.approx(found)
    assert use <= memory
    assert gpu_use <= gpu_memory
    assert not room.used.any()
    assert not room.present.any()
