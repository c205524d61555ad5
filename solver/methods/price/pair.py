"""What a pair (mode, instance) is by itself."""

from solver.methods.price.blocks import Blocks
from solver.methods.price.compiled import inlined


@inlined
def special(blocks: Blocks, mode: int, instance: int) -> int:
    """Return the index of a special pair, -1 if the pair is not special."""
    low = blocks.special_starts[instance]
    length = blocks.special_starts[instance + 1] - low
    end = low + length
    while length > 0:
        half = length >> 1
        if blocks.special_mode[low + half] < mode:
            low += half + 1
            length -= half + 1
        else:
            length = half
    return low if low < end and blocks.special_mode[low] == mode else -1


@inlined
def pair_cost(blocks: Blocks, mode: int, instance: int) -> float:
    """Return the load cost of a pair, infinite where it is forbidden."""
    index = special(blocks, mode, instance)
    cost: float = blocks.mode_cost[mode] if index < 0 else blocks.special_cost[index]
    return cost


@inlined
def is_pinned(blocks: Blocks, mode: int, instance: int) -> bool:
    """Tell whether a pair must stay."""
    index = special(blocks, mode, instance)
    return index >= 0 and blocks.special_pinned[index]


@inlined
def value_of(blocks: Blocks, mode: int, instance: int) -> float:
    """Return the seconds saved when the pair serves a call."""
    value: float = blocks.mode_saving[mode] * blocks.instance_survival[instance]
    return value


@inlined
def fits_alone(blocks: Blocks, mode: int, instance: int) -> bool:
    """Tell whether a residency has room in an otherwise empty instance and GPU."""
    if blocks.mode_on_gpu[mode]:
        gpu = blocks.instance_gpu[instance]
        if gpu < 0 or blocks.mode_gpu_memory[mode] > blocks.gpu_memory[gpu]:
            return False
    free: int = blocks.instance_memory[instance]
    library = blocks.function_library[blocks.mode_function[mode]]
    if library >= 0:
        free -= blocks.library_memory[library]
    needed: int = blocks.mode_memory[mode]
    return needed <= free
