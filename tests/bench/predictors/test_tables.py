"""Rows, CSV and Markdown."""

import csv
from pathlib import Path

import numpy as np
import pytest

from bench.predictors.classes import BURSTY, RARE
from bench.predictors.scores import Scores
from bench.predictors.tables import ALL, Row, markdown, row_of_log, rows_of, write_csv


@pytest.fixture
def rows() -> list[Row]:
    scores = Scores(2)
    scores.add(np.array([[0.5] * 4, [0.1] * 4]), np.array([4, 0]))
    kinds = {"day": np.array([BURSTY, RARE])}
    return [
        row
        for name, horizon_s in [("one", 10.0), ("two", 10.0), ("one", 60.0), ("two", 60.0)]
        for row in rows_of(name, horizon_s, {"day": scores}, kinds)
    ]


def test_rows_by_trace_and_class(rows: list[Row]) -> None:
    by_place = {(r.trace, r.kind): r for r in rows if (r.predictor, r.horizon_s) == ("one", 10)}
    places = {(trace, kind) for trace in ("day", ALL) for kind in (BURSTY, RARE, ALL)}
    assert set(by_place) == places
    assert by_place[ALL, BURSTY].log_loss == pytest.approx(-np.log(0.5))
    assert by_place[ALL, RARE].log_loss == pytest.approx(-np.log(0.9))
    assert by_place[ALL, ALL].functions == 2
    assert np.isnan(by_place[ALL, RARE].hit_rate)


def test_csv_has_every_row(rows: list[Row], tmp_path: Path) -> None:
    write_csv(tmp_path / "rows.csv", rows)
    with (tmp_path / "rows.csv").open() as stream:
        read = list(csv.DictReader(stream))
    assert len(read) == len(rows)
    assert float(read[0]["log_loss"]) == rows[0].log_loss


def test_markdown_has_a_line_for_each_predictor(rows: list[Row]) -> None:
    text = markdown(rows, [])
    assert "| predictor | bursty (1) | rare (1) | all (2) |" in text
    assert "| one | 0.6931 | 0.1054 | 0.3993 |" in text
    assert text.count("| two |") == 4


def test_logs_have_a_table_of_their_own(rows: list[Row]) -> None:
    scores = Scores(1)
    scores.add(np.array([[0.5] * 4]), np.array([4]))
    text = markdown(rows, [row_of_log("one", 10.0, "log", scores)])
    assert "| log | functions | horizon | one |" in text
    assert "| log | 1 | 10 s | 0.6931 |" in text
    assert "| one | 0.6931 | 0.1054 | 0.3993 |" in text
