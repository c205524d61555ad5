import numpy as np
import pytest

from bench.solver.instances import SIZES, make_instance
from solver import verify
from solver.methods.price import Price
from solver.methods.price.blocks import arrange
from solver.methods.price.chance import new_stream
from solver.methods.price.rows import start
from solver.methods.price.share import share_gpus, split_owners
from tests.solver.methods.price.problems import random_problem


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("seed", range(10))
def test_threads_give_a_feasible_plan_and_the_same_one_again(seed: int, threads: int) -> None:
    problem = random_problem(seed)
    method = Price(steps_per_instance=500, threads=threads)
    one, other = (
        method.solve(problem, deadline_s=60.0, seed=seed, incumbent=None) for _ in range(2)
    )
    assert verify(problem, one) <= one.bound + 1e-9
    np.testing.assert_array_equal(one.pairs, other.pairs)


@pytest.mark.parametrize("n_sides", [1, 2, 5])
def test_owners_and_gpu_memory_are_dealt_out_whole(n_sides: int) -> None:
    problem = make_instance(SIZES["S"], seed=1).problem
    blocks, numbering = arrange(problem, problem.held)
    state = start(problem, blocks, numbering, problem.held)
    side = split_owners(blocks, n_sides, new_stream(1))
    for owner in range(problem.n_owners):
        assert len(np.unique(side[blocks.instance_owner == owner])) <= 1
    states = share_gpus(blocks, state, side, n_sides, new_stream(1))
    np.testing.assert_array_equal(sum(one.free_gpu for one in states), state.free_gpu)
