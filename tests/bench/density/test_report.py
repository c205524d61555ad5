from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from bench.density.measures import Row
from bench.density.report import read_rows, table, write_rows


def test_rows_come_back_as_written(tmp_path: Path) -> None:
    rows = [Row("load", "f", "private", 12.5, "ms"), Row("load", "f", "shared", 2.5, "ms")]
    write_rows(tmp_path / "a.csv", rows)
    assert read_rows(tmp_path) == rows


def test_the_table_has_medians_and_how_the_ways_compare(tmp_path: Path) -> None:
    rows = [Row("load", "f", "private", value, "ms") for value in (90.0, 100.0, 500.0)]
    rows += [Row("load", "f", "shared", 4.0, "ms")]
    rows += [
        Row("call", "no input", way, at, "ms") for way, at in (("direct", 0.1), ("runtime", 0.4))
    ]
    rows += [
        Row("residents", "2 GiB", way, at, "functions")
        for way, at in (("private", 3), ("shared", 30))
    ]
    rows += [Row("held", "f", "private", 1.0, "MiB")]
    write_rows(tmp_path / "a.csv", rows)
    text = table(tmp_path)
    assert "| load | f | private | 100 | 91 | 460 | 3 | ms |" in text
    assert "load of f: private takes 25.0 times shared" in text
    assert "call with no input: runtime takes 0.300 ms more" in text
    assert "residents: 10.0 times as many" in text
    assert "held" not in text
