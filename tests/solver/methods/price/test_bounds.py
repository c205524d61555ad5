"""No kernel leaves its arrays: the same search in plain Python, which would notice."""

import os
import subprocess
import sys

PROGRAM = """
from solver.builder import Mode, ProblemBuilder
from solver.methods.price import Price
from solver.verify import verify

builder = ProblemBuilder()
for function in range(2):
    builder.add_function(f"f{function}", "u", [0.9, 0.8, 0.7, 0.6], [Mode("host", 1, 2.0, 0.1)])
for instance in range(3):
    builder.add_instance(f"i{instance}", "u", 4)
problem = builder.build()
plan = Price(steps_per_instance=20).solve(problem, deadline_s=60.0, seed=0, incumbent=None)
verify(problem, plan)
assert len(plan.pairs) == 6
"""


def test_few_functions_that_fill_several_instances() -> None:
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
