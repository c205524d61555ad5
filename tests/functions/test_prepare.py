"""Model files appear whole, readable by every function, and the same each time."""

import os
from pathlib import Path
from types import ModuleType

import pytest

from tests.functions.demo_modules import demo_module

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytestmark = pytest.mark.torch

NETWORK = "import torch\n\ndef make():\n    return torch.nn.Linear(3, 2)\n"


@pytest.fixture(scope="module")
def prepare() -> ModuleType:
    return demo_module("prepare")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "network.py"
    file.write_text(NETWORK)
    return file


def make(prepare: ModuleType, source: Path, target: Path) -> bytes:
    prepare.carry_out(prepare.Recipe(target.name, source, prepare.random_weights("make")), target)
    return target.read_bytes()


def test_a_made_file_is_readable_by_all_and_alone(
    prepare: ModuleType, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "models" / "deep" / "weights.safetensors"
    make(prepare, source, target)
    assert target.stat().st_mode & 0o777 == 0o644
    assert list(target.parent.iterdir()) == [target]


def test_random_weights_are_the_same_each_time(
    prepare: ModuleType, source: Path, tmp_path: Path
) -> None:
    first = make(prepare, source, tmp_path / "a.safetensors")
    assert make(prepare, source, tmp_path / "b.safetensors") == first


def test_a_recipe_that_fails_leaves_what_was_there(
    prepare: ModuleType, source: Path, tmp_path: Path
) -> None:
    def fail(_: Path, draft: Path) -> None:
        draft.write_text("half")
        raise RuntimeError("no disk")

    target = tmp_path / "models" / "weights"
    target.parent.mkdir()
    target.write_text("old")
    with pytest.raises(RuntimeError, match="no disk"):
        prepare.carry_out(prepare.Recipe("weights", source, fail), target)
    assert [file.read_text() for file in target.parent.iterdir()] == ["old"]


def test_a_file_is_made_anew_only_when_its_source_is_newer(
    prepare: ModuleType, source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "weights"
    assert not prepare.is_fresh(target, source)
    target.touch()
    os.utime(source, (1, 1))
    assert prepare.is_fresh(target, source)
    os.utime(target, (0, 0))
    assert not prepare.is_fresh(target, source)


def test_a_missing_package_is_named(prepare: ModuleType) -> None:
    with pytest.raises(SystemExit, match="no_such_package"):
        prepare.in_package("no_such_package", "weights")
