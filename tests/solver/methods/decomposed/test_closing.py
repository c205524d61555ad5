import numpy as np
import pytest

from solver.deadline import Deadline
from solver.methods.decomposed.block import new_bench
from solver.methods.decomposed.closing import Closing
from solver.methods.decomposed.network import build_network
from solver.methods.decomposed.prices import Prices, price_range
from tests.solver.brute_force import optimum
from tests.solver.methods.price.problems import small_problem

pytest.importorskip("highspy")


@pytest.mark.parametrize("seed", range(60))
def test_every_step_bounds_the_optimum_and_never_rises(seed: int) -> None:
    problem = small_problem(seed)
    network = build_network(problem)
    rng = np.random.default_rng(seed)
    low, high = price_range(network)
    prices = Prices(row=rng.uniform(low, high), gpu=rng.exponential(0.02, len(network.gpu_memory)))
    closing = Closing(problem, network, new_bench(network), prices)
    best, before = optimum(problem), closing.bound
    while not closing.done:
        closing.step(Deadline(60.0))
        assert best - 1e-6 <= closing.bound <= before + 1e-9
        before = closing.bound
    assert closing.bound >= best - 1e-6
