import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.deadline import Deadline
from solver.methods.decomposed.block import new_bench
from solver.methods.decomposed.bound import evaluate, new_answer
from solver.methods.decomposed.network import build_network
from solver.methods.decomposed.prices import Prices, price_range
from solver.methods.price import Price
from tests.solver.methods.price.problems import random_problem


@settings(max_examples=60)
@given(problem_seed=st.integers(0, 10**6), price_seed=st.integers(0, 10**6), exact=st.booleans())
def test_any_prices_prove_a_bound(problem_seed: int, price_seed: int, exact: bool) -> None:
    problem = random_problem(problem_seed)
    network = build_network(problem)
    rng = np.random.default_rng(price_seed)
    low, high = price_range(network)
    prices = Prices(row=rng.uniform(low, high), gpu=rng.exponential(0.02, len(network.gpu_memory)))
    found = evaluate(
        network, new_bench(network), prices, new_answer(network), exact, 1e-9, Deadline(60.0)
    )
    plan = Price(steps_per_instance=20).solve(problem, deadline_s=60.0, seed=0, incumbent=None)
    assert found is not None
    assert found.bound >= plan.objective - 1e-9
