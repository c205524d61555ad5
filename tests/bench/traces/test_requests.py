"""Reading logs of requests."""

import gzip
from pathlib import Path

import pytest

from bench.traces.requests import read_requests
from bench.traces.tables import TraceError


def log(folder: Path, *lines: str) -> Path:
    file = folder / "log.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_requests_are_in_order_of_time_and_functions_told_apart(tmp_path: Path) -> None:
    file = log(tmp_path, "t_ms,app,func", "2500,a,f", "0,b,f", "2500,a,g", "4000,a,f")
    read = read_requests(file, "t_ms", ("app", "func"), 1e-3)
    assert read.names == ("a/f", "b/f", "a/g")
    assert read.arrivals.at_s.tolist() == [0.0, 2.5, 2.5, 4.0]
    assert read.arrivals.functions.tolist() == [1, 0, 2, 0]


def test_without_columns_for_it_all_are_of_one_function(tmp_path: Path) -> None:
    zipped = tmp_path / "log.csv.gz"
    zipped.write_bytes(gzip.compress(b"tokens,t_s\n7,1.5\n8,3\n"))
    read = read_requests(zipped, "t_s")
    assert len(read.names) == 1
    assert read.arrivals.functions.tolist() == [0, 0]
    assert read.arrivals.at_s.tolist() == [1.5, 3.0]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["t_s,f", "1,a", "2"], r"line 3: 1 columns, expected 2"),
        (["f,t_s", "a,soon"], r"line 2: column 2: 'soon', expected a time"),
        (["f,t_s", "a,1", "a,-1"], r"line 3: column 2: '-1', expected a time"),
        (["f,t_s", "a,nan"], r"line 2: column 2: 'nan'"),
        (["f,t_s", "a,inf"], r"line 2: column 2: 'inf'"),
        (["f,at", "a,1"], r"line 1: no column 't_s', expected it among \['f', 'at'\]"),
        (["g,t_s", "a,1"], r"line 1: no column 'f'"),
        (["f,t_s"], r"line 2: no rows"),
    ],
)
def test_malformed_logs_are_refused_with_their_place(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(TraceError, match=rf"log\.csv: {message}"):
        read_requests(log(tmp_path, *lines), "t_s", ("f",))
