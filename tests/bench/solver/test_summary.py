from math import inf

import pytest

from bench.solver.runs import Row
from bench.solver.summary import markdown, summarise


def row(seed: int, method: str, objective: float, bound: float = inf) -> Row:
    return Row("S", seed, method, 0.05, objective, bound, "feasible", 0.01)


@pytest.fixture
def rows() -> list[Row]:
    return [
        row(1, "priority", 80.0),
        row(1, "price", 90.0, bound=120.0),
        row(1, "highs", 95.0, bound=100.0),
        row(2, "price", 99.0, bound=100.0),
    ]


def test_gaps_are_to_the_best_bound_of_any_method(rows: list[Row]) -> None:
    points = {point.method: point for point in summarise(rows)}
    assert points["price"].gaps == pytest.approx((0.1, 0.01))
    assert points["price"].proven_gaps == pytest.approx((0.25, 0.01))
    assert points["priority"].proven_gaps == ()
    assert points["highs"].gains == pytest.approx((95 / 80 - 1,))


def test_gains_are_over_priority_where_that_was_run(rows: list[Row]) -> None:
    points = {point.method: point for point in summarise(rows)}
    assert points["price"].gains == pytest.approx((90 / 80 - 1,))
    assert "nan" not in markdown(summarise([row(2, "price", 99.0)]))


def test_table(rows: list[Row]) -> None:
    table = markdown(summarise(rows)).splitlines()
    assert len(table) == 5
    assert table[2].startswith("| S | priority | 50 ms | 1 | 20.00% (20.00%-20.00%) | none |")
