from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.demo.workload import Counts, read_scenario, read_trace, spread
from executor.errors import ConfigError

ROWS = st.lists(st.lists(st.integers(0, 20), min_size=3, max_size=3), min_size=1, max_size=4)


@given(ROWS, st.floats(0.5, 20.0), st.integers(0, 9))
def test_every_call_falls_into_its_period(
    rows: list[list[int]], time_scale: float, seed: int
) -> None:
    counts = Counts(60.0, {f"f{number}": tuple(row) for number, row in enumerate(rows)})
    arrivals = spread(counts, time_scale, seed)
    assert len(arrivals) == counts.total
    assert list(arrivals) == sorted(arrivals)
    for name, row in counts.calls.items():
        periods = [int(one.at_s * time_scale / 60.0) for one in arrivals if one.function == name]
        assert [periods.count(period) for period in range(3)] == list(row)


def test_the_same_seed_gives_the_same_times() -> None:
    counts = Counts(60.0, {"f": (5, 5)})
    assert spread(counts, 1.0, 7) == spread(counts, 1.0, 7)
    assert spread(counts, 1.0, 7) != spread(counts, 1.0, 8)


def test_the_shipped_scenario_is_the_seeds_demo() -> None:
    counts = read_scenario(Path(__file__).parents[3] / "scenarios" / "seed-demo.yaml")
    assert len(counts.calls) == 8
    assert counts.duration_s == 300.0
    assert counts.total == 114


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[]", "file"),
        ("calls: {f: [1]}", "period_s"),
        ("period_s: 60", "calls"),
        ("period_s: 60\ncalls: {f: [-1]}", "calls.f"),
        ("period_s: 60\ncalls: {f: [1, 2], g: [1]}", "calls.g"),
    ],
)
def test_a_wrong_scenario_names_the_key(tmp_path: Path, text: str, key: str) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_scenario(file)
    assert caught.value.key == key


def test_a_trace_gives_its_rows_to_the_functions_in_order(tmp_path: Path) -> None:
    file = tmp_path / "trace.csv"
    file.write_text("HashFunction,1,2\na,3,0\nb,1,2\nc,9,9\n")
    counts = read_trace(file, ("f", "g"))
    assert counts.calls == {"f": (3, 0), "g": (1, 2)}


def test_a_wrong_cell_is_named_by_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "trace.csv"
    file.write_text("HashFunction,1,2\na,3,0\nb,1,x\n")
    with pytest.raises(ConfigError, match="line 3, column 2"):
        read_trace(file, ("f", "g"))
