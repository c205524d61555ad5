"""Functions as users write them: a folder with ``function.yaml`` and code."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from executor.domain import Function


class Style(StrEnum):
    """How a function's code is written: ``load``/``predict``, or a program on standard input."""

    HANDLER = "handler"
    SCRIPT = "script"


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output; a dimension of -1 may have any size."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """All that a runtime and the gateway need of one function.

    ``command`` is the program of a script (its first word may be ``python``, which stands for
    ``python`` below); ``handler`` the module of a load/predict function, without ``.py``.
    ``files`` are model files that must exist, by absolute path; ``environment`` also names them
    to the function, in ``HEADSTART_FILES`` as a JSON object of names and paths. ``libraries`` are
    modules that are imported once for all functions of an instance with the same library group.
    """

    function: Function
    folder: Path
    style: Style
    handler: str
    command: tuple[str, ...]
    python: Path
    files: tuple[Path, ...]
    environment: dict[str, str]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    load_timeout_s: float
    libraries: tuple[str, ...] = ()
