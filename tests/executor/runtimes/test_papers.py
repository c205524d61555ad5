import os
from dataclasses import replace
from pathlib import Path

import pytest

from executor.actions import StartInstance
from executor.functions import Package
from executor.runtimes.papers import LARGE_BYTES, Papers, contents, fingerprint
from executor.units import MIB
from tests.executor.runtimes.worlds import ECHO, HANG, handler

START = StartInstance("i1", "w", "o", 256 * MIB, function="f")


@pytest.fixture
def package(tmp_path: Path) -> Package:
    weights = tmp_path / "weights"
    weights.write_bytes(b"w")
    return handler("f", tmp_path, ECHO, files=(weights,))


def test_papers_read_what_they_wrote() -> None:
    papers = Papers(START, 1000, "fp")
    assert Papers.read(papers.write()) == papers


@pytest.mark.parametrize("text", ["", "{}", '{"start": {"instance_id": "i1"}, "base_uid": 1}'])
def test_papers_of_another_kind_are_none(text: str) -> None:
    assert Papers.read(text) is None


def test_the_same_functions_have_the_same_contents(package: Package) -> None:
    assert contents([package]) == contents([replace(package)])
    assert set(contents([package])) == {"o"}


def test_caches_of_bytecode_do_not_count(package: Package) -> None:
    before = contents([package])
    (package.folder / "__pycache__").mkdir()
    (package.folder / "__pycache__" / "handler.pyc").write_bytes(b"x")
    assert contents([package]) == before


def test_whatever_changes_a_function_changes_the_contents(package: Package) -> None:
    seen = [contents([package])]
    (package.folder / "handler.py").write_text(HANG)
    seen.append(contents([package]))
    (package.folder / "more.py").touch()
    seen.append(contents([package]))
    os.utime(package.files[0], (1, 1))
    seen.append(contents([package]))
    seen.append(contents([replace(package, environment={"A": "b"})]))
    smaller = replace(package.function, memory_limit_bytes=MIB)
    seen.append(contents([replace(package, function=smaller)]))
    assert len({one["o"] for one in seen}) == len(seen)


def test_large_files_in_the_folder_are_told_apart_without_being_read(package: Package) -> None:
    weights = package.folder / "weights.bin"
    weights.write_bytes(bytes(LARGE_BYTES + 1))
    os.utime(weights, (1, 1))
    before = contents([package])
    weights.write_bytes(b"x" + bytes(LARGE_BYTES))
    os.utime(weights, (1, 1))
    assert contents([package]) == before
    os.utime(weights, (2, 2))
    assert contents([package]) != before


def test_owners_have_contents_of_their_own(package: Package, tmp_path: Path) -> None:
    before = contents([package])
    others = contents([package, handler("g", tmp_path, ECHO, owner="p")])
    assert others["o"] == before["o"]
    assert others["p"] != others["o"]


def test_a_fingerprint_tells_parts_apart() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint("a", "b") != fingerprint("ab")
