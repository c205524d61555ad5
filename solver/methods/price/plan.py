"""A plan that keeps the prices it was made by."""

from dataclasses import dataclass

import numpy as np

from solver.methods.price.blocks import Numbering
from solver.methods.price.dual import Prices
from solver.plan import Plan


@dataclass(frozen=True, eq=False, kw_only=True)
class PricedPlan(Plan):
    """A plan with the prices of memory, for the next solve over the same names.

    Attributes
    ----------
    prices : Prices
        Per byte in each instance and on each GPU, in the order of the names.
    instance_names, gpu_names
        What the prices belong to.
    """

    prices: Prices
    instance_names: tuple[str, ...]
    gpu_names: tuple[str, ...]


def kept_prices(plan: Plan | None, numbering: Numbering) -> Prices | None:
    """Return a plan's prices in owner order, None where it has none for the same names."""
    if not isinstance(plan, PricedPlan):
        return None
    names = (plan.problem.instance_names, plan.problem.gpu_names)
    if names != (plan.instance_names, plan.gpu_names):
        return None
    return Prices(plan.prices.memory[numbering.old_instance], plan.prices.gpu.copy())


def problem_order(prices: Prices, numbering: Numbering) -> Prices:
    """Return prices in the order of the problem's names."""
    memory = np.empty_like(prices.memory)
    memory[numbering.old_instance] = prices.memory
    return Prices(memory, prices.gpu)
