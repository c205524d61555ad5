r"""One block at given weights: the instances of a GPU, and its memory.

With a price ``mu`` of a GPU byte the instances fall apart; ``D = mu G + sum_i best_i`` bounds the
block. A choice in the block loses against ``D`` what each of its instances loses against its own
best, and ``mu`` times the GPU bytes left over. So a choice that loses at most ``spread`` is made of
instance choices that do, and those are few: list them (GPU bytes and value, undominated), join the
lists, and the block's optimum is found if it loses at most ``spread``; otherwise ``D - spread`` is
a better bound than ``D``. The spread is doubled until the optimum is found or the lists grow too
long.
"""

from typing import NamedTuple

import numpy as np

from solver.compiled import compiled
from solver.methods.decomposed.desk import Desk, new_desk
from solver.methods.decomposed.instance import fill_instance
from solver.methods.decomposed.network import Bool, Float64, Int64, Network

_MAX_JOINED = 1 << 13
_MAX_CANDIDATES = 1 << 16
_DOUBLINGS = 12
_SETTLED = 1e-9


class Stages(NamedTuple):
    """Joined lists, one per instance of the block.

    Attributes
    ----------
    gpu, loss : [N, S]
        GPU bytes and loss of each joint choice of the instances so far.
    own_gpu, before : int64[N, S]
        GPU bytes of the last instance in it, and its place in the list before.
    """

    gpu: Int64
    loss: Float64
    own_gpu: Int64
    before: Int64


class Bench(NamedTuple):
    """Room for one block at a time; one per thread.

    Attributes
    ----------
    desk, stages
        Room for instances and for joining them.
    candidate : [C]
        Joint choices before the dominated ones are dropped, in the columns of `Stages`.
    """

    desk: Desk
    stages: Stages
    candidate_gpu: Int64
    candidate_loss: Float64
    candidate_own: Int64
    candidate_before: Int64


def new_bench(network: Network) -> Bench:
    """Return room for any block of the network."""
    most = int(np.diff(network.block_start).max(initial=0))
    shape = (most, _MAX_JOINED)
    stages = Stages(
        gpu=np.empty(shape, np.int64),
        loss=np.empty(shape),
        own_gpu=np.empty(shape, np.int64),
        before=np.empty(shape, np.int64),
    )
    return Bench(
        desk=new_desk(network),
        stages=stages,
        candidate_gpu=np.empty(_MAX_CANDIDATES, np.int64),
        candidate_loss=np.empty(_MAX_CANDIDATES),
        candidate_own=np.empty(_MAX_CANDIDATES, np.int64),
        candidate_before=np.empty(_MAX_CANDIDATES, np.int64),
    )


@compiled
def relax_block(
    network: Network, bench: Bench, block: int, gpu_price: float, tolerance: float, taken: Bool
) -> float:
    """Mark the best pairs of each instance at a GPU price; return the block's bound."""
    gpu = network.block_gpu[block]
    gpu_memory = network.gpu_memory[gpu] if gpu >= 0 else 0
    bound = gpu_price * gpu_memory
    for index in range(network.block_start[block], network.block_start[block + 1]):
        instance = network.block_instance[index]
        filling = fill_instance(network, bench.desk, instance, gpu_memory, gpu_price, -tolerance)
        _mark(network, bench.desk, instance, filling.n_chosen, taken)
        bound += filling.upper
    return bound


@compiled
def close_block(
    network: Network, bench: Bench, block: int, gpu_price: float, spread: float, taken: Bool
) -> tuple[float, float]:
    """Solve a block with a GPU exactly, and mark its pairs; ``taken`` holds `relax_block`'s.

    Returns the bound, infinite if none was proven, and the spread that was enough. Where the lists
    grow too long the pairs taken stay as they are.
    """
    gpu_memory = network.gpu_memory[network.block_gpu[block]]
    bound = np.inf
    for _ in range(_DOUBLINGS):
        best, n_joined = _join_all(network, bench, block, gpu_price, spread)
        if n_joined < 0:
            break
        dual = best + gpu_price * gpu_memory
        place, loss = _least_loss(network, bench, block, n_joined, gpu_price)
        if loss <= spread:
            _adopt(network, bench, block, place, taken)
            return dual - loss, max(loss, 0.0)
        bound = dual - spread
        spread *= 2.0
    return bound, spread


@compiled
def _mark(network: Network, desk: Desk, instance: int, n_chosen: int, taken: Bool) -> None:
    taken[network.start[instance] : network.start[instance + 1]] = False
    for index in range(n_chosen):
        taken[desk.chosen[index]] = True


@compiled
def _join_all(
    network: Network, bench: Bench, block: int, gpu_price: float, spread: float
) -> tuple[float, int]:
    """List the joint choices that lose at most ``spread``.

    Returns the sum of the instances' best and the length of the list, -1 if there is no room.
    """
    gpu_memory = network.gpu_memory[network.block_gpu[block]]
    total, n_joined = 0.0, 0
    first = network.block_start[block]
    for index in range(first, network.block_start[block + 1]):
        instance = network.block_instance[index]
        filling = fill_instance(network, bench.desk, instance, gpu_memory, gpu_price, spread)
        if not filling.complete:
            return 0.0, -1
        total += filling.value
        n_joined = _join(
            bench, index - first, n_joined, filling.n_front, filling.value, gpu_memory, spread
        )
        if n_joined < 0:
            return 0.0, -1
        n_joined = _prune(bench, index - first, n_joined, gpu_price)
        if n_joined < 0:
            return 0.0, -1
    return total, n_joined


@compiled
def _join(
    bench: Bench,
    stage: int,
    n_before: int,
    n_front: int,
    best: float,
    gpu_memory: int,
    spread: float,
) -> int:
    """Combine the list before with the front of one more instance; return how many candidates."""
    count = 0
    for index in range(n_front):
        own_gpu, own_loss = bench.desk.front_gpu[index], best - bench.desk.front_value[index]
        for before in range(n_before if stage > 0 else 1):
            gpu, loss = own_gpu, own_loss
            if stage > 0:
                gpu += bench.stages.gpu[stage - 1, before]
                loss += bench.stages.loss[stage - 1, before]
            if gpu > gpu_memory or loss > spread:
                continue
            if count == _MAX_CANDIDATES:
                return -1
            bench.candidate_gpu[count], bench.candidate_loss[count] = gpu, loss
            bench.candidate_own[count], bench.candidate_before[count] = own_gpu, before
            count += 1
    return count


@compiled
def _prune(bench: Bench, stage: int, n_candidates: int, gpu_price: float) -> int:
    """Write the undominated candidates, by GPU bytes, to the stage; return how many."""
    stages = bench.stages
    count, best, last_gpu = 0, -np.inf, -1
    for candidate in np.argsort(bench.candidate_gpu[:n_candidates], kind="mergesort"):
        gpu, loss = bench.candidate_gpu[candidate], bench.candidate_loss[candidate]
        worth = gpu_price * gpu - loss
        if worth <= best:
            continue
        best = worth
        if gpu == last_gpu:
            count -= 1
        if count == _MAX_JOINED:
            return -1
        stages.gpu[stage, count], stages.loss[stage, count] = gpu, loss
        stages.own_gpu[stage, count] = bench.candidate_own[candidate]
        stages.before[stage, count] = bench.candidate_before[candidate]
        last_gpu = gpu
        count += 1
    return count


@compiled
def _least_loss(
    network: Network, bench: Bench, block: int, n_joined: int, gpu_price: float
) -> tuple[int, float]:
    """Return the place and the loss of the joint choice that loses least."""
    stage = network.block_start[block + 1] - network.block_start[block] - 1
    gpu_memory = network.gpu_memory[network.block_gpu[block]]
    place, least = -1, np.inf
    for index in range(n_joined):
        left = gpu_memory - bench.stages.gpu[stage, index]
        loss = bench.stages.loss[stage, index] + gpu_price * left
        if loss < least:
            place, least = index, loss
    return place, least


@compiled
def _adopt(network: Network, bench: Bench, block: int, place: int, taken: Bool) -> None:
    """Mark the pairs of a joint choice: each instance at its best in its share of the GPU."""
    stages = bench.stages
    first = network.block_start[block]
    for index in range(network.block_start[block + 1] - 1, first - 1, -1):
        instance = network.block_instance[index]
        share = stages.own_gpu[index - first, place]
        filling = fill_instance(network, bench.desk, instance, share, 0.0, -_SETTLED)
        _mark(network, bench.desk, instance, filling.n_chosen, taken)
        place = stages.before[index - first, place]
