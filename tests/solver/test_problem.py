import pickle
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from bench.solver.instances import SIZES, make_instance
from solver import InvalidProblem, Problem
from solver.builder import Mode, ProblemBuilder
from tests.solver.problems import assert_same


@pytest.fixture
def problem() -> Problem:
    """Return modes 0 f host, 1 f gpu, 2 g host; instances i with a GPU, j without."""
    builder = ProblemBuilder()
    builder.add_library("l", 2)
    builder.add_gpu("k", 4)
    gpu = Mode("gpu", memory_bytes=1, saving_s=3.0, load_cost_s=0.1, gpu_memory_bytes=3)
    builder.add_function("f", "u", [0.5, 0.2], [Mode("host", 5, 2.0, 0.1), gpu], library="l")
    builder.add_function("g", "u", [0.9], [Mode("host", 4, 2.0, 0.1)])
    builder.add_instance("i", "u", 8, gpu="k")
    builder.add_instance("j", "u", 8)
    builder.hold("f", "i", "host")
    return builder.build()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"function_owner": [0]}, "length of function_owner is 1, expected one per function: 2"),
        ({"function_owner": [0, 7]}, "function_owner of 'g' is 7, expected 0 <= index < 1"),
        ({"instance_gpu": [0, -2]}, "instance_gpu of 'j' is -2"),
        ({"function_names": ["f", "f"]}, "function name is 'f', expected each name once"),
        ({"function_names": "fg"}, "function_names is 'fg', expected a sequence of strings"),
        ({"function_names": ["f", 3]}, r"function_names\[1\] is 3, expected a string"),
        ({"mode_function": [0, 0, 0]}, "modes of function 'g' is 0, expected at least one"),
        ({"mode_function": [0, 1, 0]}, "mode_function entry 2 is 0, expected ascending"),
        ({"mode_tier": [0, 1, 2]}, "mode_tier entry 2 is 2"),
        ({"mode_gpu_memory_bytes": [1, 3, 0]}, "function 'f' host gpu_memory_bytes is 1"),
        ({"mode_memory_bytes": [5, 1, -4]}, "function 'g' host memory_bytes is -4"),
        ({"mode_memory_bytes": [5, 1, 0.5]}, "mode_memory_bytes entry 2 is 0.5, expected whole"),
        ({"mode_memory_bytes": [5, 1, 2**60]}, "function 'g' host memory_bytes is 115"),
        ({"mode_memory_bytes": [5, 1, 2**70]}, "mode_memory_bytes is .*, expected numbers"),
        ({"mode_memory_bytes": [[5, 1, 4]]}, "shape of mode_memory_bytes is .1, 3."),
        ({"mode_memory_bytes": ["a", "b", "c"]}, "mode_memory_bytes is .*, expected numbers"),
        ({"mode_saving_s": [2, 3, float("nan")]}, "function 'g' host saving_s is nan"),
        ({"mode_load_cost_s": [2, float("inf"), 1]}, "function 'f' gpu load_cost_s is inf"),
        ({"instance_survival": [0.5, 1.1]}, "instance 'j' survival is 1.1"),
        ({"copies": [[0.5, 0.6], [0.9, 0]]}, "function 'f' copies is .*, expected P.N >= j"),
        ({"copies": [0.5, 0.9]}, "shape of copies"),
        ({"copies": [[0.5], [0.9, 0]]}, "copies is .*, expected a rectangular array"),
        ({"held": [[9, 0]]}, "mode of held entry 0 is 9"),
        ({"held": [[0, 0], [0, 0]]}, "held function 'f' host in instance 'i' is 'given again'"),
        ({"held": [[0, 0], [1, 0]]}, "held function 'f' gpu in instance 'i'.* one mode an inst"),
        ({"held": [[0, 0], [2, 0]]}, "held bytes in instance 'i' is 11.0"),
        ({"held": [[1, 1]]}, "held function 'f' gpu in instance 'j' .* fits by itself"),
        ({"forbidden": [[0, 0]]}, "held function 'f' host in instance 'i' .* not forbidden"),
        ({"load_cost_pairs": [[0, 0]]}, "length of load_cost_s is 0"),
    ],
)
def test_names_what_breaks_a_rule(problem: Problem, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidProblem, match=message):
        replace(problem, **changes)


def test_arrays_are_copies_and_read_only(problem: Problem) -> None:
    copies = np.array([[0.5], [0.9]])
    changed = replace(problem, copies=copies)
    copies[0, 0] = 0.1
    assert changed.copies[0, 0] == 0.5
    with pytest.raises(ValueError, match="read-only"):
        changed.copies[0, 0] = 0.2


def test_travels_between_processes() -> None:
    problem = make_instance(SIZES["S"], seed=1).problem
    n_pairs = len(problem.pairs)
    again = pickle.loads(pickle.dumps(problem))
    assert_same(again, problem)
    assert len(again.pairs) == n_pairs
    assert not again.copies.flags.writeable


def test_allowed_pairs(problem: Problem) -> None:
    pairs = problem.pairs
    assert pairs.rows(slice(None)).tolist() == [[0, 0], [0, 1], [1, 0], [2, 0], [2, 1]]
    assert pairs.cost_s.tolist() == [0.0, 0.1, 0.1, 0.1, 0.1]
    assert pairs.find(np.array([[1, 1], [2, 0]], dtype=np.int32)).tolist() == [-1, 3]
    assert pairs.setups.of_pair.tolist() == [0, 1, 0, -1, -1]


def test_trusted_columns_are_taken_as_they_are(problem: Problem) -> None:
    columns = {field.name: getattr(problem, field.name) for field in fields(Problem)}
    owner = np.array([0, 9], np.int32)
    trusted = Problem(**{**columns, "function_owner": owner}, trusted=True)
    assert trusted.function_owner is owner
    assert not owner.flags.writeable
