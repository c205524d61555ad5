"""Shadow prices: what a byte more would be worth, from the Lagrangian dual of the problem."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from solver.plan import Plan
from solver.problem import Float64, Int64, Problem

_STEPS: Final = 300
_FIRST_STEP, _LAST_STEP = 1.0, 0.02


@dataclass(frozen=True, eq=False)
class ShadowPrices:
    """Seconds saved per byte more: float64[I] of memory, float64[K] of GPU memory."""

    memory_s: Float64
    gpu_memory_s: Float64


@dataclass(frozen=True, eq=False)
class _Market:
    """The allowed pairs with what each takes of its resources: instances first, then GPUs.

    ``resource[p]`` are the instance and the GPU of pair p; amounts are parts of the capacity.
    """

    function_start: Int64
    chance: Float64
    value_s: Float64
    cost_s: Float64
    resource: Int64
    amount: Float64
    n_resources: int


def shadow_prices(plan: Plan) -> ShadowPrices:
    """Return prices that lead every function to what it gets, as nearly as prices can.

    Subgradient steps of Polyak's length (Polyak, "Minimization of unsmooth functionals", 1969)
    towards the plan's objective, shortened geometrically. Library bytes, pins and the one-mode
    rule are left out, so these are guides and no bound.
    """
    problem = plan.problem
    market = _market(problem)
    price = np.zeros(market.n_resources)
    best_dual, best = np.inf, price
    for step in range(_STEPS):
        worth, use = _demand(market, price)
        dual = worth + price.sum()
        if dual < best_dual:
            best_dual, best = dual, price
        excess = use - 1.0
        length = _FIRST_STEP * (_LAST_STEP / _FIRST_STEP) ** (step / _STEPS)
        norm = excess @ excess
        if norm == 0 or dual <= plan.objective:
            break
        price = np.maximum(0.0, price + length * (dual - plan.objective) / norm * excess)
    capacity = np.concatenate([problem.instance_free_memory_bytes, problem.gpu_free_memory_bytes])
    per_byte = best / np.maximum(1, capacity)
    return ShadowPrices(per_byte[: problem.n_instances], per_byte[problem.n_instances :])


def _market(problem: Problem) -> _Market:
    pairs = problem.pairs
    gpu = problem.instance_gpu[pairs.instance].astype(np.int64)
    takes_gpu = problem.mode_tier[pairs.mode] == 1
    gpu_free = np.append(problem.gpu_free_memory_bytes, 1)[gpu]
    amount = np.stack(
        [
            problem.mode_memory_bytes[pairs.mode]
            / np.maximum(1, problem.instance_free_memory_bytes[pairs.instance]),
            np.where(takes_gpu, problem.mode_gpu_memory_bytes[pairs.mode], 0)
            / np.maximum(1, gpu_free),
        ]
    )
    function_start = np.searchsorted(pairs.function, np.arange(problem.n_functions))
    return _Market(
        function_start=function_start[np.diff(np.append(function_start, len(pairs))) > 0],
        chance=problem.copies[pairs.function],
        value_s=pairs.value_s,
        cost_s=pairs.cost_s,
        resource=np.stack([pairs.instance, np.where(gpu < 0, 0, problem.n_instances + gpu)]),
        amount=amount,
        n_resources=problem.n_instances + problem.n_gpus,
    )


def _demand(market: _Market, price: Float64) -> tuple[float, Float64]:
    """Return what functions gain at given prices, and which part of each resource they take.

    A function takes its best pair for each copy rank in turn.
    """
    use = np.zeros(market.n_resources)
    worth = 0.0
    if not len(market.function_start):
        return worth, use
    paid = market.cost_s + (price[market.resource] * market.amount).sum(axis=0)
    size = np.diff(np.append(market.function_start, len(paid)))
    for rank in range(market.chance.shape[1]):
        net = market.chance[:, rank] * market.value_s - paid
        most = np.maximum.reduceat(net, market.function_start)
        at_most = np.flatnonzero((net == np.repeat(most, size)) & (net > 0))
        function = np.searchsorted(market.function_start, at_most, side="right")
        taken = at_most[np.unique(function, return_index=True)[1]]
        worth += float(net[taken].sum())
        for resource, amount in zip(market.resource, market.amount, strict=True):
            use += np.bincount(resource[taken], amount[taken], market.n_resources)
        paid[taken] = np.inf
    return worth, use
