r"""The bound with whole owners solved exactly, one after the other.

Let ``w_p`` be what pair ``p`` is worth to its block at the final prices (credit less cost). For the
blocks ``B`` that several owners share and compete for, and any weights,

.. math:: \sum_{b \in B} \max_{x\ fits\ b} \sum_p w_p x_p
          + \sum_{owners} \max_{x\ fits\ owner} [worth(x) - \sum_{p \in B} w_p x_p]

is at least the worth of any plan: each plan fits every block and every owner (Lagrangian
decomposition: Guignard and Kim, Mathematical Programming 39, 1987). An owner's maximum is at most
what its functions' ranks pay and its other blocks hold, which is what the prices prove; its own
integer programme, by HiGHS, is tighter, since there copies are not merely priced.
"""

from typing import Final

import numpy as np

from solver.deadline import Deadline
from solver.methods.decomposed.block import Bench
from solver.methods.decomposed.bound import SAFETY, bound_block, new_answer
from solver.methods.decomposed.instance import fill_instance
from solver.methods.decomposed.network import Bool, Float64, Network
from solver.methods.decomposed.part import cut_part
from solver.methods.decomposed.prices import Prices, constants, weigh
from solver.problem import Problem

_TOLERANCE: Final = 1e-9


class Closing:
    """A bound that falls owner by owner.

    Parameters
    ----------
    problem, network
        What is bounded.
    bench
        Room to work; no other thread may use it.
    prices
        The best there are.

    Attributes
    ----------
    bound : float
        Proven upper bound of the worth of any plan.
    """

    def __init__(self, problem: Problem, network: Network, bench: Bench, prices: Prices) -> None:
        self._problem = problem
        weigh(network, prices.row, bench.desk.weight)
        contested = _contested(problem, network, prices)
        shared, self._rest = _bounds(problem, network, bench, prices, contested)
        self._total = shared + float(self._rest.sum())
        self._cost_s = _owners_costs(problem, network, contested, bench.desk.weight)
        weight = np.bincount(
            problem.instance_owner[problem.pairs.instance], minlength=problem.n_owners
        )
        self._waiting = [owner for owner in np.argsort(-weight, kind="stable") if weight[owner]]

    @property
    def bound(self) -> float:
        """Proven upper bound by now."""
        return self._total + SAFETY * abs(self._total)

    @property
    def done(self) -> bool:
        """Whether all owners have been solved."""
        return not self._waiting

    def step(self, deadline: Deadline) -> None:
        """Solve one more owner, those with fewest pairs first, in an equal share of the time."""
        from solver.methods.highs import Highs

        limit_s = deadline.left_s / len(self._waiting)
        owner = self._waiting.pop()
        part = cut_part(self._problem, np.array([owner]), cost_s=self._cost_s)
        method = Highs(clock=deadline.clock)
        found = method.solve(part.problem, deadline_s=limit_s, seed=0, incumbent=None)
        self._total -= max(0.0, self._rest[owner] - found.bound)


def _contested(problem: Problem, network: Network, prices: Prices) -> Bool:
    """Tell which blocks are a GPU with a price and instances of several owners."""
    owner = problem.instance_owner[network.block_instance]
    first = network.block_start[:-1]
    several = np.minimum.reduceat(owner, first) != np.maximum.reduceat(owner, first)
    contested: Bool = several & (np.append(prices.gpu, 0.0)[network.block_gpu] > 0.0)
    return contested


def _bounds(
    problem: Problem, network: Network, bench: Bench, prices: Prices, contested: Bool
) -> tuple[float, Float64]:
    """Return the bound of all contested blocks, and that of each owner in all that is left."""
    shared = 0.0
    rest: Float64 = np.bincount(
        problem.function_owner, constants(network, prices.row), problem.n_owners
    ).astype(np.float64)
    answer = new_answer(network)
    for block, gpu in enumerate(network.block_gpu):
        price = prices.gpu[gpu] if gpu >= 0 else 0.0
        instances = network.block_instance[
            network.block_start[block] : network.block_start[block + 1]
        ]
        owners = np.unique(problem.instance_owner[instances])
        if contested[block] or len(owners) == 1:
            bound, _ = bound_block(network, bench, block, price, answer, _TOLERANCE, True)
            shared += bound if contested[block] else 0.0
            rest[owners[0]] += 0.0 if contested[block] else bound
            continue
        for instance in instances:
            filling = fill_instance(
                network, bench.desk, instance, network.gpu_memory[gpu], 0.0, -_TOLERANCE
            )
            rest[problem.instance_owner[instance]] += filling.upper
    return shared, rest


def _owners_costs(problem: Problem, network: Network, contested: Bool, weight: Float64) -> Float64:
    """Return the load cost of each pair, and on top what it is worth to a contested block."""
    is_contested = np.zeros(problem.n_instances, dtype=np.bool_)
    is_contested[network.block_instance] = np.repeat(contested, np.diff(network.block_start))
    pairs = network.pairs
    there = is_contested[pairs["instance"]]
    rows = np.stack([pairs["mode"], pairs["instance"]], axis=1)[there].astype(np.int32)
    cost_s = problem.pairs.cost_s.copy()
    cost_s[problem.pairs.find(rows)] += weight[there]
    return np.maximum(cost_s, 0.0)
