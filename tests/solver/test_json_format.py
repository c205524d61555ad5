import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver import InvalidProblem, Problem, solve
from solver.json_format import format_plan, format_problem, parse_problem
from tests.solver.problems import assert_same, problems

SMALL = {
    "version": 1,
    "functions": [
        {
            "name": "f0",
            "owner": "u1",
            "copies": [0.7, 0.2],
            "library": "torch",
            "modes": [
                {"tier": "host", "memory_bytes": 1, "saving_s": 2.5, "load_cost_s": 0.07},
            ],
        }
    ],
    "libraries": [{"name": "torch", "memory_bytes": 1}],
    "instances": [{"name": "i0", "owner": "u1", "free_memory_bytes": 2}],
    "held": [{"function": "f0", "instance": "i0", "tier": "host"}],
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the way to every value within a document."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(found for key, part in inner for found in paths(part, (*path, key)))]


def changed(path: tuple[Any, ...], new: object) -> Any:
    """Return the small document with one value replaced."""
    document = json.loads(json.dumps(SMALL))
    if not path:
        return new
    part = document
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = new
    return document


@given(problems())
def test_round_trip(problem: Problem) -> None:
    assert_same(parse_problem(format_problem(problem)), problem)


def test_keys_that_may_be_left_out() -> None:
    problem = parse_problem(json.dumps(SMALL).encode())
    assert problem.instance_survival.tolist() == [1.0]
    assert problem.instance_gpu.tolist() == [-1]
    assert len(problem.forbidden) == 0


@given(st.binary(max_size=200))
def test_random_bytes_are_no_problem(text: bytes) -> None:
    with pytest.raises(InvalidProblem):
        parse_problem(text)


@given(st.sampled_from(paths(SMALL)), json_values)
def test_changed_document_gives_a_problem_or_invalid_problem(path: Any, new: object) -> None:
    try:
        problem = parse_problem(json.dumps(changed(path, new)).encode())
    except InvalidProblem:
        return
    assert_same(parse_problem(format_problem(problem)), problem)


@pytest.mark.parametrize(
    ("path", "new", "message"),
    [
        (("functions", 0, "copies"), [0.2, 0.7], "function 'f0' copies"),
        (("functions", 0, "copies"), [float("nan")], "functions.0.copies.0"),
        (("functions", 0, "modes", 0, "memory_bytes"), -1, "function 'f0' host memory_bytes"),
        (("functions", 0, "modes", 0, "memory_bytes"), 2**70, "memory_bytes"),
        (("functions", 0, "modes", 0, "tier"), "disk", "functions.0.modes.0.tier"),
        (("functions", 0, "library"), "jax", "library name is 'jax', expected a known library"),
        (("functions", 0, "owner"), "u2", "held function 'f0' host in instance 'i0'"),
        (("instances", 0, "gpu"), "k9", "gpu name is 'k9', expected a known gpu"),
        (("instances", 0, "survival"), 1.5, "instance 'i0' survival"),
        (("instances", 0, "free_memory_bytes"), 1, "held function 'f0' host in instance 'i0'"),
        (("held", 0, "function"), "f9", "function name is 'f9', expected a known function"),
        (("held", 0, "tier"), "gpu", "function 'f0' tier is 'gpu'"),
        (("version",), 2, "version is 2"),
        (("functions", 0, "name"), "\ud800", "JSON"),
    ],
)
def test_names_the_offending_entry(path: Any, new: object, message: str) -> None:
    with pytest.raises(InvalidProblem, match=message.replace(".", r"\.")):
        parse_problem(json.dumps(changed(path, new)).encode())


def test_function_needs_a_mode() -> None:
    document = changed(("functions", 0, "modes"), []) | {"held": []}
    with pytest.raises(InvalidProblem, match="modes of function 'f0' is 0, expected at least one"):
        parse_problem(json.dumps(document).encode())


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(InvalidProblem):
        parse_problem(b"[" * 100_000)


def test_plan_names_its_pairs() -> None:
    problem = parse_problem(json.dumps(SMALL).encode())
    document = json.loads(format_plan(solve(problem, "density")))
    assert document["placements"] == SMALL["held"]
    assert document["loads"] == document["offloads"] == document["unplaced"] == []
    assert document["objective"] == pytest.approx(0.7 * 2.5)
    assert document["bound"] is None
