import pytest

from solver import Plan, Problem, solve
from solver.builder import Mode, ProblemBuilder


def placed(plan: Plan) -> set[tuple[str, str]]:
    problem = plan.problem
    return {
        (problem.function_names[problem.mode_function[mode]], problem.instance_names[instance])
        for mode, instance in plan.pairs.tolist()
    }


@pytest.fixture
def builder() -> ProblemBuilder:
    """Return a large valuable function, two small ones, and room for either."""
    builder = ProblemBuilder()
    builder.add_function("large", "u", [0.5], [Mode("host", 10, 4.0, 0.0)])
    builder.add_function("small", "u", [0.5], [Mode("host", 4, 3.0, 0.0)])
    builder.add_function("tiny", "u", [0.5], [Mode("host", 3, 2.0, 0.0)])
    return builder


def test_priority_ranks_by_chance_times_loading_time(builder: ProblemBuilder) -> None:
    builder.add_instance("i", "u", 10)
    assert placed(solve(builder.build(), "priority")) == {("large", "i")}


def test_density_ranks_by_value_per_byte(builder: ProblemBuilder) -> None:
    builder.add_instance("i", "u", 10)
    assert placed(solve(builder.build(), "density")) == {("small", "i"), ("tiny", "i")}


def two_instances() -> Problem:
    builder = ProblemBuilder()
    builder.add_function("f", "u", [0.5], [Mode("host", 4, 3.0, 0.0)])
    builder.add_instance("tight", "u", 5)
    builder.add_instance("loose", "u", 9)
    return builder.build()


def test_priority_fits_worst_and_density_best() -> None:
    problem = two_instances()
    assert placed(solve(problem, "priority")) == {("f", "loose")}
    assert placed(solve(problem, "density")) == {("f", "tight")}


@pytest.mark.parametrize("method", ["priority", "density"])
def test_second_copy_ranks_by_its_own_chance(method: str) -> None:
    builder = ProblemBuilder()
    builder.add_function("busy", "u", [0.9, 0.6, 0.0], [Mode("host", 4, 1.0, 0.0)])
    builder.add_function("calm", "u", [0.5], [Mode("host", 4, 1.0, 0.0)])
    for name in "ijk":
        builder.add_instance(name, "u", 4)
    plan = solve(builder.build(), method)
    names = sorted(function for function, _ in placed(plan))
    assert names == ["busy", "busy", "calm"]
    assert plan.objective == pytest.approx(0.9 + 0.6 + 0.5)
