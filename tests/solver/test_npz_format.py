import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.solver.instances import SIZES, make_instance
from solver import InvalidProblem, Problem
from solver.npz_format import read_npz, write_npz
from tests.solver.problems import assert_same, problems

shared_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "problem.npz"


def archive(file: Path, **arrays: object) -> None:
    with file.open("wb") as out:
        np.savez(out, **arrays)  # type: ignore[arg-type]


@shared_folder
@given(problem=problems())
def test_round_trip(file: Path, problem: Problem) -> None:
    write_npz(problem, file)
    assert_same(read_npz(file), problem)


@shared_folder
@given(content=st.binary(max_size=300))
def test_random_bytes_are_no_problem(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(InvalidProblem):
        read_npz(file)


@shared_folder
@given(st.data())
def test_damaged_archive_gives_a_problem_or_invalid_problem(
    file: Path, data: st.DataObject
) -> None:
    problem = make_instance(SIZES["S"], seed=1).problem
    write_npz(problem, file)
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(content)
    try:
        read = read_npz(file)
    except InvalidProblem:
        return
    assert_same(read, problem)


def test_pickles_are_refused(file: Path) -> None:
    archive(file, version=np.int64(1), owner_names=np.array([object()]))
    with pytest.raises(InvalidProblem, match="archive of plain arrays"):
        read_npz(file)


def test_single_array_is_refused(file: Path) -> None:
    with file.open("wb") as out:
        np.save(out, np.zeros(3))
    with pytest.raises(InvalidProblem, match="a single array"):
        read_npz(file)


def test_member_that_is_no_array_is_refused(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("version", b"1")
    with pytest.raises(InvalidProblem, match="NPZ entry 'version'"):
        read_npz(file)


def test_missing_column_is_named(file: Path) -> None:
    archive(file, version=np.int64(1))
    with pytest.raises(InvalidProblem, match=r"columns is .*copies"):
        read_npz(file)


def test_unknown_version_is_refused(file: Path) -> None:
    archive(file, version=np.int64(2))
    with pytest.raises(InvalidProblem, match="version"):
        read_npz(file)


@pytest.mark.parametrize("text", [b"{}", b"3", b"nope", b"[1]"])
def test_names_must_be_a_list_of_strings(file: Path, text: bytes) -> None:
    problem = make_instance(SIZES["S"], seed=1).problem
    write_npz(problem, file)
    with np.load(io.BytesIO(file.read_bytes())) as found:
        columns = dict(found) | {"gpu_names": np.frombuffer(text, dtype=np.uint8)}
    archive(file, **columns)
    with pytest.raises(InvalidProblem, match="gpu_names"):
        read_npz(file)


def test_missing_file(file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_npz(file)
