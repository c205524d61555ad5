"""Models by content: added whole or not at all, and never used when damaged."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from executor.cli import app
from executor.errors import ConfigError
from executor.model_store import ModelError, ModelStore
from executor.packages import read_packages

WEIGHTS = b"weights " * 1000
REFERENCE = f"sha256:{sha256(WEIGHTS).hexdigest()}"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "weights"
    file.write_bytes(WEIGHTS)
    return file


@given(content=st.binary(max_size=100))
def test_a_reference_is_the_digest(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("models")
    (folder / "file").write_bytes(content)
    store = ModelStore(folder)
    reference = store.add(folder / "file")
    assert reference == f"sha256:{sha256(content).hexdigest()}"
    assert store.check(reference).read_bytes() == content


def test_what_is_added_twice_is_there_once_and_nobody_may_write_to_it(
    weights: Path, tmp_path: Path
) -> None:
    store = ModelStore(tmp_path)
    assert store.add(weights) == store.add(weights) == REFERENCE
    assert store.references() == [REFERENCE]
    (file,) = store.folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("content", [b"other", WEIGHTS[:-1], b""])
def test_a_damaged_file_is_named(content: bytes, weights: Path, tmp_path: Path) -> None:
    ModelStore(tmp_path).add(weights)
    store = ModelStore(tmp_path)
    file = store.check(REFERENCE)
    file.chmod(0o644)
    file.write_bytes(content)
    with pytest.raises(ModelError, match=f"{file} is damaged: its content is sha256:"):
        ModelStore(tmp_path).check(REFERENCE)


@pytest.mark.parametrize("reference", ["sha256:", "sha256:../weights", f"{REFERENCE}/../x"])
def test_a_reference_leads_nowhere_else(reference: str, weights: Path, tmp_path: Path) -> None:
    ModelStore(tmp_path).add(weights)
    with pytest.raises(ModelError, match="is no reference"):
        ModelStore(tmp_path).check(reference)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is not in .*: No such file or directory"):
        ModelStore(tmp_path).check(REFERENCE)


def test_a_full_disk_leaves_nothing_behind(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    store = ModelStore(tmp_path)
    with pytest.raises(ModelError, match=r"weights cannot be added to .*No space left on device"):
        store.add(weights)
    assert not list(store.folder.iterdir())


def test_functions_use_what_is_in_the_store_and_only_that(weights: Path, tmp_path: Path) -> None:
    functions, models = tmp_path / "functions", tmp_path / "models"
    tensor = {"name": "x", "datatype": "FP32", "shape": [1]}
    manifest = {"owner": "o", "memory": "64MiB", "inputs": [tensor], "outputs": [tensor]}
    for name in "fg":
        folder = functions / name
        folder.mkdir(parents=True)
        (folder / "handler.py").touch()
        text = json.dumps({**manifest, "files": {"weights": REFERENCE}})
        (folder / "function.yaml").write_text(text)
    with pytest.raises(ConfigError, match=rf"files.weights is '{REFERENCE}'; expected an undam"):
        read_packages(functions, models=models, python=Path("python"))
    ModelStore(models).add(weights)
    found = read_packages(functions, models=models, python=Path("python"))
    assert found["f"].files == found["g"].files
    assert found["f"].files[0].read_bytes() == WEIGHTS


def test_the_command_adds_and_checks(weights: Path, tmp_path: Path) -> None:
    where = ["--models", str(tmp_path / "models")]
    added = CliRunner().invoke(app, ["models", "add", str(weights), *where])
    assert added.output == f"{REFERENCE}  {weights}\n"
    assert REFERENCE in CliRunner().invoke(app, ["models", "check", *where]).output
    (file,) = (tmp_path / "models" / "sha256").iterdir()
    file.chmod(0o644)
    file.write_bytes(b"other")
    checked = CliRunner().invoke(app, ["models", "check", *where])
    assert checked.exit_code == 2
    assert "is damaged" in checked.output.replace("\n", "")


def test_the_command_names_what_cannot_be_added(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["models", "add", str(tmp_path / "no"), "--models", "m"])
    assert done.exit_code == 2
    assert "No such file or directory" in done.output.replace("\n", "")
