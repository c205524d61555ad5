import numpy as np
from hypothesis import given

from solver import Problem
from solver.builder import Mode, ProblemBuilder
from solver.methods.linear import linear_program
from tests.solver.problems import problems

HOST = Mode("host", memory_bytes=6, saving_s=2.0, load_cost_s=0.5)


def two_functions(library_bytes: int) -> Problem:
    builder = ProblemBuilder()
    builder.add_library("l", library_bytes)
    for name in "fg":
        builder.add_function(name, "u", [0.5], [HOST], library="l")
    builder.add_instance("i", "u", 10)
    return builder.build()


def test_shared_library_is_a_column() -> None:
    program = linear_program(two_functions(4))
    assert program.n_pairs == 2
    assert program.n_columns == 2 + 1 + 2
    assert program.objective.tolist() == [-0.5, -0.5, 0, 1, 1]
    rows = np.split(program.coefficient, program.row_start[1:-1])
    assert sorted(rows[0].tolist()) == [4, 6, 6]


def test_library_of_a_single_function_belongs_to_its_pairs() -> None:
    builder = ProblemBuilder()
    builder.add_library("l", 4)
    builder.add_function("f", "u", [0.5], [HOST], library="l")
    builder.add_function("g", "u", [0.5], [HOST])
    builder.add_instance("i", "u", 10)
    program = linear_program(builder.build())
    assert program.n_columns == 4
    assert sorted(program.coefficient[: program.row_start[1]].tolist()) == [6, 10]


def test_rows_that_cannot_break_are_left_out() -> None:
    builder = ProblemBuilder()
    builder.add_function("f", "u", [0.5], [HOST])
    builder.add_instance("i", "u", 10)
    assert linear_program(builder.build()).n_rows == 1


@given(problems())
def test_pinned_pairs_are_fixed(problem: Problem) -> None:
    program = linear_program(problem)
    fixed = np.flatnonzero(program.column_lower)
    np.testing.assert_array_equal(fixed, np.sort(problem.pairs.find(problem.pinned)))
