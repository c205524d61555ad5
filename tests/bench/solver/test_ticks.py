from bench.solver.ticks import markdown, walk
from solver.methods.density import Density


def test_every_tick_is_a_row() -> None:
    rows = list(walk("S", 1, Density(), ticks=3, first_s=1.0, deadline_s=0.1))
    assert [row.tick for row in rows] == [0, 1, 2]
    assert all(0 <= row.new_ratio <= 1 for row in rows)
    assert markdown(rows, 0.1).splitlines()[2].startswith("| S | 3 |")
