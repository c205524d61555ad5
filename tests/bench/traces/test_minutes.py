"""Reading tables of counts a minute."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from bench.traces.minutes import gap_cv, read_minutes
from bench.traces.tables import TraceError


def table(folder: Path, *lines: str) -> Path:
    file = folder / "trace.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_counts_names_and_times(tmp_path: Path) -> None:
    trace = read_minutes(table(tmp_path, "owner,function,480,481", "a,f,0,3", "a,g,7,0"))
    assert trace.names == ("a/f", "a/g")
    assert trace.counts.tolist() == [[0, 3], [7, 0]]
    assert (trace.start_s, trace.end_s) == (479 * 60.0, 481 * 60.0)


def test_gzipped_files_read_the_same(tmp_path: Path) -> None:
    plain = table(tmp_path, "id,1,2", "a,1,2")
    zipped = tmp_path / "trace.csv.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_minutes(zipped).counts.tolist() == read_minutes(plain).counts.tolist()


def test_some_of_the_functions(tmp_path: Path) -> None:
    trace = read_minutes(table(tmp_path, "id,1", "a,1", "b,2", "c,3"))
    chosen = trace.only(np.array([2, 0]))
    assert chosen.names == ("c", "a")
    assert chosen.counts.tolist() == [[3], [1]]


def test_a_digest_tells_names_counts_and_times_apart(tmp_path: Path) -> None:
    tables = [["id,1,2", "a,1,2"], ["id,1,2", "b,1,2"], ["id,1,2", "a,2,1"], ["id,2,3", "a,1,2"]]
    digests = [read_minutes(table(tmp_path, *lines)).digest for lines in tables]
    assert len(set(digests)) == 4
    assert read_minutes(table(tmp_path, *tables[0])).digest == digests[0]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["id,1,2", "a,1"], r"line 2: 2 columns, expected 3"),
        (["id,1,2", "a,1,2", "b,1,-3"], r"line 3: column 3: '-3', expected a count"),
        (["id,1", "a,1.5"], r"line 2: column 2: '1.5'"),
        (["id,1", "a,"], r"line 2: column 2: ''"),
        (["id,1", "a,²"], r"line 2: column 2: '²'"),
        (["id,1", "a,3000000000"], r"line 2: column 2: '3000000000'"),
        (["id,1,3", "a,1,2"], r"line 1: column 3 is '3', expected minute 2"),
        (["id,1440,1441", "a,1,2"], r"line 1: column 3 is '1441'"),
        (["id,calls", "a,1"], r"line 1: no minute columns"),
        (["id,1,2"], r"line 2: no rows"),
        (["id,1", "a,1", "a,2"], r"line 3: column 1: 'a' is there twice"),
    ],
)
def test_malformed_tables_are_refused_with_their_place(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(TraceError, match=rf"trace\.csv: {message}"):
        read_minutes(table(tmp_path, *lines))


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"missing\.csv"):
        read_minutes(tmp_path / "missing.csv")
    whole = gzip.compress(b"id,1\na,1\n")
    for number, data in enumerate([b"id,1", whole[:-6], whole[:12] + b"\xff" + whole[13:]]):
        file = tmp_path / f"{number}.csv.gz"
        file.write_bytes(data)
        with pytest.raises(TraceError, match=rf"{number}\.csv\.gz"):
            read_minutes(file)


def test_variation_of_gaps_between_active_minutes() -> None:
    counts = np.zeros((3, 100), np.int32)
    counts[0, ::10] = 5
    counts[1, [0, 10, 40, 50]] = 1
    counts[2, [3, 4, 90]] = 1
    regular, irregular, unknown = gap_cv(counts)
    assert regular == 0.0
    assert irregular == pytest.approx(np.std([10, 30, 10]) / np.mean([10, 30, 10]))
    assert np.isnan(unknown)
