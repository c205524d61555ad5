"""The problem as the kernels read it: owners in a row, each with its own range of everything.

Functions, modes and instances are renumbered so that those of one owner are neighbours. An owner's
block is then three ranges, its functions by falling worth per byte. No list of the allowed pairs is
ever made: a pair is looked up by its mode and instance, and the few pairs that differ from the rule
(held, with a load cost of their own, pinned, forbidden) lie in a short list per instance, sorted by
mode.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver.methods.price.compiled import allocating
from solver.problem import Problem

Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Bool = NDArray[np.bool_]
Rows = tuple[Int32, Float64, Int32, Int32, Int32]
"""Rows (mode, instance) with a price, those prices, rows held, pinned and forbidden."""


class Blocks(NamedTuple):
    """A problem in owner order: F functions, M modes, I instances, K GPUs, L libraries, O owners.

    Attributes
    ----------
    copies : float64[F, J]
        P(at least j calls) of each copy rank.
    function_owner, function_library : int32[F]
        Owner; library group, -1 for none.
    function_density : float64[F]
        What its best mode saves per byte, as a first residency; falls within an owner.
    function_modes : int32[F + 1]
        Modes of function ``f`` are ``function_modes[f]:function_modes[f + 1]``.
    slots : int32[F + 1]
        Where the residencies of each function are kept; room for J + 1 and those pinned.
    mode_function, mode_on_gpu, mode_memory, mode_gpu_memory, mode_saving, mode_cost : [M]
        Columns of the problem, in the new order.
    owner_functions, owner_instances : int32[O + 1]
        Ranges of each owner.
    instance_owner, instance_memory, instance_gpu, instance_survival : [I]
        Columns of the problem, in the new order.
    gpu_memory : int64[K]
        Free bytes of each GPU.
    gpu_starts, gpu_instances : int32[K + 1], int32[n]
        Instances on GPU ``k`` are ``gpu_instances[gpu_starts[k]:gpu_starts[k + 1]]``.
    library_memory : int64[L]
        Bytes of each library group.
    special_starts : int32[I + 1]
        Special pairs of instance ``i`` are ``special_starts[i]:special_starts[i + 1]``.
    special_mode, special_instance, special_cost, special_pinned : [S]
        Mode (ascending within an instance), instance, load cost (infinite where forbidden), pinned
        or not.
    mode_special_starts, mode_specials : int32[M + 1], int32[S]
        Special pairs of mode ``m`` are
        ``mode_specials[mode_special_starts[m]:mode_special_starts[m + 1]]``.
    """

    copies: Float64
    function_owner: Int32
    function_library: Int32
    function_density: Float64
    function_modes: Int32
    slots: Int32
    mode_function: Int32
    mode_on_gpu: Bool
    mode_memory: Int64
    mode_gpu_memory: Int64
    mode_saving: Float64
    mode_cost: Float64
    owner_functions: Int32
    owner_instances: Int32
    instance_owner: Int32
    instance_memory: Int64
    instance_gpu: Int32
    instance_survival: Float64
    gpu_memory: Int64
    gpu_starts: Int32
    gpu_instances: Int32
    library_memory: Int64
    special_starts: Int32
    special_mode: Int32
    special_instance: Int32
    special_cost: Float64
    special_pinned: Bool
    mode_special_starts: Int32
    mode_specials: Int32


class Numbering(NamedTuple):
    """Old numbers in new order, and new numbers in old order, of modes and instances."""

    old_mode: Int32
    new_mode: Int32
    old_instance: Int32
    new_instance: Int32


@allocating
def grouped(group: Int32, n_groups: int) -> tuple[Int32, Int32]:
    """Sort 0..n-1 by group, stably: starts int32[n_groups + 1] and members int32[n].

    Entries of a negative group are left out.
    """
    starts = np.zeros(n_groups + 1, np.int32)
    for value in group:
        if value >= 0:
            starts[value + 1] += 1
    starts = np.cumsum(starts).astype(np.int32)
    place = starts[:-1].copy()
    members = np.empty(starts[-1], np.int32)
    for index, value in enumerate(group):
        if value >= 0:
            members[place[value]] = index
            place[value] += 1
    return starts, members


@allocating
def inverse(order: Int32) -> Int32:
    """Return the permutation that undoes ``order``."""
    back = np.empty_like(order)
    for new, old in enumerate(order):
        back[old] = new
    return back


def arrange(problem: Problem, singled_out: Int32) -> tuple[Blocks, Numbering]:
    """Bring a problem into owner order; ``singled_out`` are rows that shall be special pairs."""
    return _arrange(
        (problem.function_owner, problem.function_library, problem.copies),
        (
            problem.mode_function,
            problem.mode_tier,
            problem.mode_memory_bytes,
            problem.mode_gpu_memory_bytes,
            problem.mode_saving_s,
            problem.mode_load_cost_s,
        ),
        (
            problem.instance_owner,
            problem.instance_free_memory_bytes,
            problem.instance_gpu,
            problem.instance_survival,
        ),
        (problem.gpu_free_memory_bytes, problem.library_memory_bytes),
        (
            np.concatenate([singled_out, problem.load_cost_pairs]),
            np.concatenate([problem.mode_load_cost_s[singled_out[:, 0]], problem.load_cost_s]),
            problem.held,
            problem.pinned,
            problem.forbidden,
        ),
        len(problem.owner_names),
    )


@allocating
def _arrange(
    functions: tuple[Int32, Int32, Float64],
    modes: tuple[Int32, Int8, Int64, Int64, Float64, Float64],
    instances: tuple[Int32, Int64, Int32, Float64],
    sizes: tuple[Int64, Int64],
    rows: Rows,
    n_owners: int,
) -> tuple[Blocks, Numbering]:
    function_owner, function_library, copies = functions
    mode_function, tier, memory, gpu_memory, saving, cost = modes
    instance_owner, instance_memory, instance_gpu, survival = instances
    density = _density(functions, modes)
    densest = np.argsort(-density, kind="mergesort")
    owner_functions, members = grouped(function_owner[densest], n_owners)
    old_function = densest[members].astype(np.int32)
    owner_instances, old_instance = grouped(instance_owner, n_owners)
    new_function, new_instance = inverse(old_function), inverse(old_instance)
    function_modes, old_mode = grouped(new_function[mode_function], len(function_owner))
    new_mode = inverse(old_mode)
    gpu_starts, gpu_instances = grouped(instance_gpu[old_instance], len(sizes[0]))
    starts, special_mode, special_cost, pinned = _special_pairs(rows, new_mode, new_instance, cost)
    mode_special_starts, mode_specials = grouped(special_mode, len(old_mode))
    blocks = Blocks(
        copies[old_function],
        function_owner[old_function],
        function_library[old_function],
        density[old_function],
        function_modes,
        _slots(new_function[mode_function[rows[3][:, 0]]], copies.shape),
        new_function[mode_function[old_mode]],
        tier[old_mode] == 1,
        memory[old_mode],
        gpu_memory[old_mode],
        saving[old_mode],
        cost[old_mode],
        owner_functions,
        owner_instances,
        instance_owner[old_instance],
        instance_memory[old_instance],
        instance_gpu[old_instance],
        survival[old_instance],
        sizes[0].copy(),
        gpu_starts,
        gpu_instances,
        sizes[1].copy(),
        starts,
        special_mode,
        np.repeat(np.arange(len(old_instance)), starts[1:] - starts[:-1]).astype(np.int32),
        special_cost,
        pinned,
        mode_special_starts,
        mode_specials,
    )
    return blocks, Numbering(old_mode, new_mode, old_instance, new_instance)


@allocating
def _density(
    functions: tuple[Int32, Int32, Float64],
    modes: tuple[Int32, Int8, Int64, Int64, Float64, Float64],
) -> Float64:
    """Return what each function's best mode saves per byte, as a first residency."""
    copies = functions[2]
    mode_function, _, memory, _, saving, _ = modes
    density = np.zeros(len(copies))
    for mode, function in enumerate(mode_function):
        worth = copies[function, 0] * saving[mode] / (memory[mode] + 1.0)
        density[function] = max(density[function], worth)
    return density


@allocating
def _slots(pinned_function: Int32, shape: tuple[int, ...]) -> Int32:
    """Room for each function's residencies: one more than its ranks, and those pinned."""
    room = np.full(shape[0] + 1, shape[1] + 1, np.int32)
    room[0] = 0
    for function in pinned_function:
        room[function + 1] += 1
    return np.cumsum(room).astype(np.int32)


@allocating
def _special_pairs(
    rows: Rows, new_mode: Int32, new_instance: Int32, mode_cost: Float64
) -> tuple[Int32, Int32, Float64, Bool]:
    """Merge the rows that single out pairs into one list, by instance and mode.

    A later kind of row overrides the cost of an earlier one: own cost, held, forbidden.
    """
    priced, price, held, pinned, forbidden = rows
    pairs = np.concatenate((priced, pinned, held, forbidden))
    first_pinned = len(priced)
    first_held = first_pinned + len(pinned)
    first_forbidden = first_held + len(held)
    _, by_mode = grouped(new_mode[pairs[:, 0]], len(new_mode))
    row_starts, by_instance = grouped(new_instance[pairs[by_mode, 1]], len(new_instance))
    order = by_mode[by_instance]
    starts = np.zeros(len(new_instance) + 1, np.int32)
    mode = np.empty(len(pairs), np.int32)
    cost = np.empty(len(pairs))
    is_pinned = np.zeros(len(pairs), np.bool_)
    count = 0
    for instance in range(len(new_instance)):
        for at in range(row_starts[instance], row_starts[instance + 1]):
            row = order[at]
            this = new_mode[pairs[row, 0]]
            if count == starts[instance] or mode[count - 1] != this:
                mode[count] = this
                cost[count] = mode_cost[pairs[row, 0]]
                count += 1
            if row < first_pinned:
                cost[count - 1] = price[row]
            elif row < first_held:
                is_pinned[count - 1] = True
            else:
                cost[count - 1] = 0.0 if row < first_forbidden else np.inf
        starts[instance + 1] = count
    return starts, mode[:count], cost[:count], is_pinned[:count]
