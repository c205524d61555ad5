import pytest

from solver import InvalidProblem
from solver.builder import Mode, ProblemBuilder

HOST = Mode("host", memory_bytes=1, saving_s=2.0, load_cost_s=0.5)
GPU = Mode("gpu", memory_bytes=1, saving_s=3.0, load_cost_s=0.5, gpu_memory_bytes=4)


def test_rows_become_columns() -> None:
    builder = ProblemBuilder()
    builder.add_library("l", 7)
    builder.add_gpu("k", 9)
    builder.add_function("f", "u", [0.5], [HOST, GPU], library="l")
    builder.add_function("g", "v", [0.9, 0.1], [HOST])
    builder.add_instance("i", "u", 20, gpu="k", survival=0.5)
    builder.hold("f", "i", "gpu")
    builder.set_load_cost("f", "i", "host", 0.25)
    problem = builder.build()
    assert problem.owner_names == ("u", "v")
    assert problem.copies.tolist() == [[0.5, 0.0], [0.9, 0.1]]
    assert problem.mode_function.tolist() == [0, 0, 1]
    assert problem.mode_gpu_memory_bytes.tolist() == [0, 4, 0]
    assert problem.function_library.tolist() == [0, -1]
    assert problem.held.tolist() == [[1, 0]]
    assert problem.pairs.cost_s.tolist() == [0.25, 0.0]


def test_empty_problem() -> None:
    problem = ProblemBuilder().build()
    assert len(problem.pairs) == 0


def test_name_given_twice() -> None:
    builder = ProblemBuilder()
    builder.add_function("f", "u", [0.5], [HOST])
    with pytest.raises(InvalidProblem, match="function name is 'f', expected each name once"):
        builder.add_function("f", "u", [0.5], [HOST])


def test_tier_given_twice() -> None:
    with pytest.raises(InvalidProblem, match="function 'f' tier is 'host', expected each tier"):
        ProblemBuilder().add_function("f", "u", [0.5], [HOST, HOST])


def test_unknown_instance() -> None:
    builder = ProblemBuilder()
    builder.add_function("f", "u", [0.5], [HOST])
    with pytest.raises(InvalidProblem, match="instance name is 'i', expected a known instance"):
        builder.pin("f", "i", "host")
