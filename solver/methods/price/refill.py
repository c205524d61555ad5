"""Empty an instance and fill it again as well as possible, all else as it is.

With the other instances fixed, the residencies of one instance earn independently of one another
(a function goes into an instance once), so the best content is a knapsack. GPU bytes may carry a
price; gains and losses then have the price of the bytes taken off.
"""

from solver.methods.price.blocks import Blocks, Float64, Int32
from solver.methods.price.chance import Stream, uniform
from solver.methods.price.compiled import allocating, inlined
from solver.methods.price.knapsack import Items, best_subset
from solver.methods.price.pair import is_pinned, value_of
from solver.methods.price.state import State, add, added_value, is_in, removal_loss, remove

NODE_LIMIT = 300
"""Nodes of one knapsack search; more gain nothing measurable, fewer lose quality."""


@inlined
def empty(
    blocks: Blocks, state: State, instance: int, gpu_price: Float64, taken: Int32, count: int
) -> tuple[float, int]:
    """Take away all that is not pinned, and append the modes to ``taken``.

    Returns what that loses, and the new length of ``taken``.
    """
    lost = 0.0
    slot = state.head[instance]
    while slot >= 0:
        mode = state.mode[slot]
        if is_pinned(blocks, mode, instance):
            slot = state.next_slot[slot]
            continue
        taken[count] = mode
        count += 1
        lost += removal_loss(blocks, state, slot) - _gpu_cost(blocks, mode, instance, gpu_price)
        remove(blocks, state, slot)
        slot = state.head[instance]
    return lost, count


@inlined
def refill(
    blocks: Blocks,
    state: State,
    instance: int,
    gpu_price: Float64,
    floor: Float64,
    omit: float,
    items: Items,
    stream: Stream,
) -> float:
    """Add the best content to what is in an instance and return what it gains.

    Each item is left out of account with chance ``omit``.
    """
    count = offer(blocks, state, instance, gpu_price, floor, items)
    if omit > 0.0:
        count = _thin_out(items, count, omit, stream)
    if count == 0:
        return 0.0
    _count_present(blocks, state, instance, items, 1)
    gpu = blocks.instance_gpu[instance]
    free_gpu = state.free_gpu[gpu] if gpu >= 0 else 0
    free = state.free_memory[instance]
    gained = best_subset(items, count, free, free_gpu, blocks.library_memory, NODE_LIMIT)
    _count_present(blocks, state, instance, items, -1)
    for at in range(count):
        if items.best[at] < 0:
            break
        add(blocks, state, items.mode[items.best[at]], instance)
    return gained


@inlined
def offer(
    blocks: Blocks,
    state: State,
    instance: int,
    gpu_price: Float64,
    floor: Float64,
    items: Items,
) -> int:
    """List the modes that would gain something in an instance and fit it; return how many."""
    owner = blocks.instance_owner[instance]
    first = blocks.function_modes[blocks.owner_functions[owner]]
    last = blocks.function_modes[blocks.owner_functions[owner + 1]]
    at, end = blocks.special_starts[instance], blocks.special_starts[instance + 1]
    gpu = blocks.instance_gpu[instance]
    free_gpu = state.free_gpu[gpu] if gpu >= 0 else -1
    free = state.free_memory[instance]
    count = 0
    for mode in range(first, last):
        if blocks.mode_memory[mode] > free:
            continue
        if blocks.function_density[blocks.mode_function[mode]] < floor[instance]:
            break
        if blocks.mode_on_gpu[mode] and blocks.mode_gpu_memory[mode] > free_gpu:
            continue
        cost = blocks.mode_cost[mode]
        while at < end and blocks.special_mode[at] < mode:
            at += 1
        if at < end and blocks.special_mode[at] == mode:
            cost = blocks.special_cost[at]
        gain = _worth(blocks, state, mode, instance) - cost
        gain -= _gpu_cost(blocks, mode, instance, gpu_price)
        if gain > floor[instance] * blocks.mode_memory[mode]:
            _put(blocks, items, count, mode, gain)
            count += 1
    return count


@allocating
def fill_up(
    blocks: Blocks,
    state: State,
    gpu_price: Float64,
    floor: Float64,
    first: int,
    end: int,
    items: Items,
    stream: Stream,
) -> None:
    """Add to each instance of a range in turn what fits and gains."""
    for instance in range(first, min(end, len(blocks.instance_memory))):
        refill(blocks, state, instance, gpu_price, floor, 0.0, items, stream)


@inlined
def _gpu_cost(blocks: Blocks, mode: int, instance: int, gpu_price: Float64) -> float:
    """Return the price of a residency's GPU bytes."""
    cost = 0.0
    if blocks.mode_on_gpu[mode]:
        cost = gpu_price[blocks.instance_gpu[instance]] * blocks.mode_gpu_memory[mode]
    return cost


@inlined
def _worth(blocks: Blocks, state: State, mode: int, instance: int) -> float:
    """Return what a residency would earn, 0 where its function is in the instance already."""
    function = blocks.mode_function[mode]
    if state.residents[function] == blocks.slots[function + 1] - blocks.slots[function]:
        return 0.0
    if is_in(blocks, state, function, instance):
        return 0.0
    return added_value(blocks, state, function, value_of(blocks, mode, instance), -1)


@inlined
def _put(blocks: Blocks, items: Items, at: int, mode: int, gain: float) -> None:
    function = blocks.mode_function[mode]
    items.mode[at] = mode
    items.function[at] = function
    items.library[at] = blocks.function_library[function]
    items.value[at] = gain
    items.memory[at] = blocks.mode_memory[mode]
    items.gpu_memory[at] = blocks.mode_gpu_memory[mode] if blocks.mode_on_gpu[mode] else 0


@inlined
def _thin_out(items: Items, count: int, omit: float, stream: Stream) -> int:
    """Leave out items by chance; return how many are left."""
    left = 0
    for at in range(count):
        if uniform(stream) < omit:
            continue
        items.mode[left] = items.mode[at]
        items.function[left] = items.function[at]
        items.library[left] = items.library[at]
        items.value[left] = items.value[at]
        items.memory[left] = items.memory[at]
        items.gpu_memory[left] = items.gpu_memory[at]
        left += 1
    return left


@inlined
def _count_present(blocks: Blocks, state: State, instance: int, items: Items, change: int) -> None:
    """Count the libraries that stay in an instance in or out."""
    slot = state.head[instance]
    while slot >= 0:
        library = blocks.function_library[blocks.mode_function[state.mode[slot]]]
        if library >= 0:
            items.present[library] += change
        slot = state.next_slot[slot]
