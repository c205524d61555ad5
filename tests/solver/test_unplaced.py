from solver import solve
from solver.builder import Mode, ProblemBuilder


def test_every_reason() -> None:
    builder = ProblemBuilder()
    small = Mode("host", memory_bytes=4, saving_s=1.0, load_cost_s=0.1)
    builder.add_function("best", "u", [0.9], [small])
    builder.add_function("second", "u", [0.5], [small])
    builder.add_function("rare", "u", [0.05], [small])
    builder.add_function("large", "u", [0.9], [Mode("host", 9, 1.0, 0.0)])
    builder.add_function("banned", "u", [0.9], [small])
    builder.add_function("lonely", "v", [0.9], [small])
    builder.add_instance("i", "u", 5)
    builder.forbid("banned", "i", "host")
    plan = solve(builder.build(), "density")
    assert dict(plan.unplaced) == {
        1: "the memory it could use serves others better",
        2: "no residency is worth its load cost",
        3: "it fits none of its owner's instances",
        4: "every instance that it fits is forbidden",
        5: "its owner has no instance",
    }
