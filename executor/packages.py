"""Reads a folder of functions: ``function.yaml`` and all it points to must be in order."""

import json
import os
from pathlib import Path

from executor.domain import Function, GpuProfile, Profile
from executor.errors import ConfigError
from executor.functions import Package, Style, TensorSpec
from executor.manifest import GpuGuess, Manifest, Tensor
from executor.model_store import PREFIX, ModelError, ModelStore
from executor.validation import read_yaml, validate

FILE_NAME = "function.yaml"
MODELS_VARIABLE = "${HEADSTART_MODELS}"
FILES_VARIABLE = "HEADSTART_FILES"
THREADS_SUFFIX = "_NUM_THREADS"

_UNKNOWN_IMPORT_S = 1.0
_UNKNOWN_LOAD_S = 1.0


def read_packages(folder: Path, *, models: Path, python: Path) -> dict[str, Package]:
    """Read every function in a folder, ``<folder>/<function>/function.yaml``, sorted by name.

    Parameters
    ----------
    folder
        Holds one folder for each function.
    models
        What ``${HEADSTART_MODELS}`` stands for in the paths of model files; has the model store.
    python
        Interpreter that runs the functions.

    Raises
    ------
    ConfigError
        For the first thing that is wrong in any of them, or if there are none.
    """
    packages: dict[str, Package] = {}
    store = ModelStore(models)
    for file in sorted(folder.glob(f"*/{FILE_NAME}")):
        package = _read_package(file, models, store, python)
        name = package.function.name
        if name in packages:
            raise ConfigError(
                file, "name", name, f"another name than that in {packages[name].folder}"
            )
        packages[name] = package
    if not packages:
        raise ConfigError(folder, "functions", [], f"a folder with at least one */{FILE_NAME}")
    return dict(sorted(packages.items()))


def read_package(file: Path, *, models: Path, python: Path) -> Package:
    """Read one ``function.yaml``; see :func:`read_packages`.

    Raises
    ------
    ConfigError
        Naming the file, the key, its value and what was expected.
    """
    return _read_package(file, models, ModelStore(models), python)


def _read_package(file: Path, models: Path, store: ModelStore, python: Path) -> Package:
    folder = file.parent.resolve()
    manifest = _read_manifest(file, folder.name)
    _check_code(manifest, file, folder)
    files = {
        name: _model_file(name, path, file, models, store) for name, path in manifest.files.items()
    }
    return Package(
        function=_function(manifest, file),
        folder=folder,
        style=manifest.style,
        handler=manifest.handler,
        command=manifest.command,
        python=python,
        files=tuple(files.values()),
        environment=_environment(manifest, files),
        inputs=tuple(map(_tensor, manifest.inputs)),
        outputs=tuple(map(_tensor, manifest.outputs)),
        load_timeout_s=manifest.load_timeout_s,
        libraries=manifest.libraries,
    )


def _read_manifest(file: Path, default_name: str) -> Manifest:
    data = read_yaml(file)
    if isinstance(data, dict):
        data = {"name": default_name, **data}
    return validate(Manifest, data, file)


def _check_code(manifest: Manifest, file: Path, folder: Path) -> None:
    match manifest.style:
        case Style.HANDLER:
            if manifest.command:
                raise ConfigError(file, "command", manifest.command, "style: script with a command")
            if not _is_file(folder / f"{manifest.handler}.py"):
                raise ConfigError(
                    file, "handler", manifest.handler, f"a module of that name in {folder}"
                )
        case Style.SCRIPT:
            _check_command(manifest.command, file, folder)
            if manifest.libraries and manifest.command[0] != "python":
                raise ConfigError(
                    file, "libraries", manifest.libraries, "a command that begins with python"
                )


def _check_command(command: tuple[str, ...], file: Path, folder: Path) -> None:
    if not command or not command[0]:
        raise ConfigError(file, "command", command, "a list of words such as [python, main.py]")
    programs = [word for word in command[:1] if "/" in word]
    if command[0] == "python":
        programs = [word for word in command[1:2] if not word.startswith("-")]
    for program in programs:
        if not _is_file(folder / program):
            raise ConfigError(file, "command", command, f"{program} to be a file in {folder}")
        if program is command[0] and not os.access(folder / program, os.X_OK):
            raise ConfigError(file, "command", command, f"{program} to be executable")


def _model_file(name: str, path: str, file: Path, models: Path, store: ModelStore) -> Path:
    if path.startswith(PREFIX):
        return _stored_file(name, path, file, store)
    absolute = file.parent / path.replace(MODELS_VARIABLE, str(models.absolute()))
    if not _is_file(absolute):
        raise ConfigError(file, f"files.{name}", path, f"an existing file; {absolute} is none")
    return absolute.resolve()


def _stored_file(name: str, reference: str, file: Path, store: ModelStore) -> Path:
    try:
        return store.check(reference)
    except ModelError as error:
        expected = f"an undamaged file of the store; {error}"
        raise ConfigError(file, f"files.{name}", reference, expected) from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _function(manifest: Manifest, file: Path) -> Function:
    return Function(
        name=manifest.name,
        owner=manifest.owner,
        memory_limit_bytes=manifest.memory,
        profile=_profile(manifest, file),
        timeout_s=manifest.timeout_s,
        library=_library(manifest),
        isolation=manifest.isolation,
    )


def _library(manifest: Manifest) -> str | None:
    """Name the library group: functions share modules if they set as many threads for them."""
    threads = [
        f"{key}={value}"
        for key, value in sorted(manifest.environment.items())
        if key.endswith(THREADS_SUFFIX)
    ]
    return " ".join([*manifest.libraries, *threads]) if manifest.libraries else None


def _profile(manifest: Manifest, file: Path) -> Profile:
    """Without a guess take the whole limit, so that planning errs on the safe side."""
    guess, limit_bytes = manifest.profile, manifest.memory
    if guess is None:
        return Profile(_UNKNOWN_IMPORT_S, _UNKNOWN_LOAD_S, limit_bytes)
    _check_room(guess.memory + guess.library_memory, "profile.memory", limit_bytes, file)
    gpu = guess.gpu
    if gpu is not None:
        _check_gpu(gpu, manifest, file)
        _check_room(
            gpu.host_memory + guess.library_memory, "profile.gpu.host_memory", limit_bytes, file
        )
    return Profile(
        guess.import_s,
        guess.load_s,
        guess.memory,
        guess.library_memory,
        GpuProfile(gpu.host_memory, gpu.memory, gpu.move_s) if gpu is not None else None,
    )


def _check_room(size_bytes: int, key: str, limit_bytes: int, file: Path) -> None:
    if size_bytes > limit_bytes:
        raise ConfigError(
            file, key, size_bytes, f"with library_memory at most memory, {limit_bytes} bytes"
        )


def _check_gpu(gpu: GpuGuess, manifest: Manifest, file: Path) -> None:
    """Only what is a handler can be told to go to a GPU, and back."""
    if manifest.style is not Style.HANDLER:
        raise ConfigError(file, "profile.gpu", gpu.model_dump(), "style: handler with it")


def _environment(manifest: Manifest, files: dict[str, Path]) -> dict[str, str]:
    paths = {name: str(path) for name, path in files.items()}
    return {**manifest.environment, FILES_VARIABLE: json.dumps(paths)}


def _tensor(tensor: Tensor) -> TensorSpec:
    return TensorSpec(tensor.name, tensor.datatype, tensor.shape)
