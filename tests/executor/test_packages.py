"""Each mistake in a function's folder is one ``ConfigError`` that says where and what."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.domain import GpuProfile, Isolation, Profile
from executor.errors import ConfigError
from executor.functions import Package, Style, TensorSpec
from executor.packages import read_package, read_packages
from executor.units import MIB

PYTHON = Path("/usr/bin/python3")
TENSOR = {"name": "x", "datatype": "FP32", "shape": [-1, 3]}


def a_function(**changes: Any) -> dict[str, Any]:
    required = {"owner": "me", "memory": "512MiB", "inputs": [TENSOR], "outputs": [TENSOR]}
    return {**required, **changes}


def write(folder: Path, content: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "handler.py").touch()
    file = folder / "function.yaml"
    text = content if isinstance(content, str) else json.dumps(content, default=str)
    file.write_text(text, encoding="utf-8")
    return file


def read(folder: Path, content: object) -> Package:
    return read_package(write(folder, content), models=folder / "models", python=PYTHON)


def error_of(folder: Path, content: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(folder, content)
    assert caught.value.file == folder / "function.yaml"
    return caught.value


def test_the_smallest_function_gets_the_defaults(tmp_path: Path) -> None:
    package = read(tmp_path / "echo", a_function())
    function = package.function
    assert (function.name, function.owner, function.memory_limit_bytes) == ("echo", "me", 512 * MIB)
    assert function.isolation is Isolation.STRICT
    assert function.profile.memory_bytes == 512 * MIB
    assert (package.style, package.handler, package.command) == (Style.HANDLER, "handler", ())
    assert package.inputs == (TensorSpec("x", "FP32", (-1, 3)),)
    assert package.python == PYTHON


def test_everything_that_is_said_is_taken(tmp_path: Path) -> None:
    (tmp_path / "main.sh").touch()
    said = a_function(
        name="other", style="script", command=["python", "main.sh"], timeout_s=3,
        libraries=["torch", "numpy"],
        isolation="share", load_timeout_s=4.5, environment={"THREADS": "1", "OMP_NUM_THREADS": "2"},
        profile={"import_s": 0.5, "load_s": 1, "memory": "100 MiB"},
    )  # fmt: skip
    package = read(tmp_path, said)
    function = package.function
    assert (function.name, function.timeout_s) == ("other", 3.0)
    assert function.library == "torch numpy OMP_NUM_THREADS=2"
    assert package.libraries == ("torch", "numpy")
    assert (package.style, package.command) == (Style.SCRIPT, ("python", "main.sh"))
    assert package.load_timeout_s == 4.5
    assert function.isolation is Isolation.SHARE
    assert function.profile == Profile(0.5, 1.0, 100 * MIB)
    assert package.environment["THREADS"] == "1"


def test_a_function_says_what_it_takes_of_a_gpu(tmp_path: Path) -> None:
    gpu = {"memory": "2GiB", "host_memory": "300MiB", "move_s": "0.1"}
    guess = {"import_s": 1, "load_s": 1, "memory": "400MiB", "library_memory": "100MiB", "gpu": gpu}
    profile = read(tmp_path, a_function(profile=guess)).function.profile
    assert profile.gpu == GpuProfile(300 * MIB, 2048 * MIB, 0.1)


GPU = {"memory": "2GiB", "host_memory": "1MiB", "move_s": 0.1}
GUESS = {"import_s": 1, "load_s": 1, "memory": "1MiB", "gpu": GPU}


def test_model_files_become_absolute_and_are_named_in_the_environment(tmp_path: Path) -> None:
    folder, models = tmp_path / "f", tmp_path / "f" / "models"
    models.mkdir(parents=True)
    beside, central = folder / "labels.txt", models / "w.safetensors"
    beside.touch()
    central.touch()
    files = {"labels": "labels.txt", "weights": "${HEADSTART_MODELS}/w.safetensors"}
    package = read(folder, a_function(files=files))
    assert package.files == (beside.resolve(), central.resolve())
    assert json.loads(package.environment["HEADSTART_FILES"]) == {
        "labels": str(beside.resolve()),
        "weights": str(central.resolve()),
    }


@pytest.mark.parametrize(
    ("changes", "key", "expected"),
    [
        ({"memry": "1GiB"}, "memry", "'memory'"),
        ({"inputs": [TENSOR, {**TENSOR, "shap": 1}]}, "inputs.1.shap", "'shape'"),
        ({"memory": "512 MB of RAM"}, "memory", "512MiB"),
        ({"memory": "0"}, "memory", "512MiB"),
        ({"memory": "9" * 400}, "memory", "512MiB"),
        ({"owner": ""}, "owner", "owner"),
        ({"name": "a/b"}, "name", "letters"),
        ({"timeout_s": 0}, "timeout_s", "seconds"),
        ({"timeout_s": "nan"}, "timeout_s", "seconds"),
        ({"style": "notebook"}, "style", "handler or script"),
        ({"isolation": "none"}, "isolation", "strict or share"),
        ({"inputs": []}, "inputs", "list of tensors"),
        ({"inputs": [TENSOR, TENSOR]}, "inputs", "different names"),
        ({"outputs": [{**TENSOR, "datatype": "FLOAT"}]}, "outputs.0.datatype", "FP32"),
        ({"outputs": [{**TENSOR, "shape": [1, 0]}]}, "outputs.0.shape.1", "-1"),
        ({"outputs": [{**TENSOR, "shape": [-2]}]}, "outputs.0.shape.0", "-1"),
        ({"outputs": [{**TENSOR, "shape": 3}]}, "outputs.0.shape", "list of sizes"),
        ({"files": {"weights": "absent.bin"}}, "files.weights", "existing file"),
        ({"files": {"weights": "."}}, "files.weights", "existing file"),
        ({"handler": "absent"}, "handler", "module"),
        ({"handler": "handler.py"}, "handler", "without .py"),
        ({"command": ["python", "handler.py"]}, "command", "style: script"),
        ({"style": "script"}, "command", "list of words"),
        ({"style": "script", "command": [""]}, "command", "list of words"),
        ({"style": "script", "command": ["python", "no.py"]}, "command", "no.py to be a file"),
        ({"style": "script", "command": ["./no.sh"]}, "command", "no.sh to be a file"),
        ({"style": "script", "command": ["./handler.py"]}, "command", "executable"),
        ({"environment": {"A-B": "1"}}, "environment.A-B.[key]", "environment"),
        ({"profile": {"import_s": 1, "load_s": 1, "memory": "1GiB"}}, "profile.memory", "at most"),
        ({"profile": {"import_s": 1, "load_s": 1}}, "profile.memory", "512MiB"),
        ({"profile": {**GUESS, "gpu": {"memory": "1GiB"}}}, "profile.gpu.host_memory", "stays in"),
        (
            {"profile": {**GUESS, "gpu": {**GPU, "host_memory": "1GiB"}}},
            "profile.gpu.host_memory",
            "at most memory",
        ),
        (
            {"profile": GUESS, "style": "script", "command": ["python", "handler.py"]},
            "profile.gpu",
            "style: handler",
        ),
    ],
)
def test_a_mistake_is_named(
    tmp_path: Path, changes: dict[str, Any], key: str, expected: str
) -> None:
    error = error_of(tmp_path, a_function(**changes))
    assert error.key == key
    assert expected in error.expected


@pytest.mark.parametrize("key", ["owner", "memory", "inputs", "outputs"])
def test_a_missing_key_is_named(tmp_path: Path, key: str) -> None:
    content = a_function()
    del content[key]
    assert error_of(tmp_path, content).key == key


def test_a_folder_of_functions_is_read_sorted_by_name(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        write(tmp_path / name, a_function())
    (tmp_path / "README.md").touch()
    assert list(read_packages(tmp_path, models=tmp_path, python=PYTHON)) == ["a", "b", "c"]


def test_two_functions_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a", a_function(name="same"))
    write(tmp_path / "b", a_function(name="same"))
    with pytest.raises(ConfigError, match="another name") as caught:
        read_packages(tmp_path, models=tmp_path, python=PYTHON)
    assert caught.value.file == tmp_path / "b" / "function.yaml"


@pytest.mark.parametrize("folder", ["", "absent"])
def test_a_folder_without_functions_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(ConfigError, match="at least one"):
        read_packages(tmp_path / folder, models=tmp_path, python=PYTHON)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = [
    "name", "owner", "style", "handler", "command", "memory", "timeout_s", "load_timeout_s",
    "libraries", "isolation", "files", "environment", "inputs", "outputs", "profile",
]  # fmt: skip


def refused_or_read(folder: Path, content: object) -> None:
    with suppress(ConfigError):
        read(folder, content)


@given(changes=st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), trees, max_size=3))
def test_hostile_values_give_a_config_error_only(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, object]
) -> None:
    refused_or_read(tmp_path_factory.getbasetemp() / "values", a_function(**changes))


@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_hostile_text_gives_a_config_error_only(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    refused_or_read(tmp_path_factory.getbasetemp() / "text", text)


@given(path=st.text(max_size=5) | st.just("x" * 5000) | st.just("\0") | st.just("~"))
def test_hostile_paths_give_a_config_error_only(
    tmp_path_factory: pytest.TempPathFactory, path: str
) -> None:
    folder = tmp_path_factory.getbasetemp() / "paths"
    refused_or_read(folder, a_function(files={"weights": path}))
    refused_or_read(folder, a_function(style="script", command=[path]))
    refused_or_read(folder, a_function(style="script", command=["python", path]))
