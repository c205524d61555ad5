"""What the manager is told of a function: the fields of a ``load`` or ``run`` request."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Spec:
    """How to run a function, and within which limits.

    ``style`` is ``handler`` or ``script``; ``python`` the interpreter, which also stands for the
    word ``python`` at the head of ``command``. ``libraries`` are modules of that interpreter's own
    environment, imported once for all functions with the same ``library``; both are empty for a
    function that shares none. ``snapshot`` names the snapshot that it may be restored from, empty
    for none, and ``snapshot_uid`` is the user that it has then.
    """

    name: str
    owner: str
    style: str
    handler: str
    command: tuple[str, ...]
    python: str
    folder: str
    files: tuple[str, ...]
    environment: dict[str, str]
    library: str
    libraries: tuple[str, ...]
    memory_limit_bytes: int
    load_timeout_s: float
    snapshot: str
    snapshot_uid: int

    @classmethod
    def read(cls, values: dict[str, Any]) -> "Spec":
        """Read the JSON of a request.

        Raises
        ------
        ValueError
            If a field is missing or unknown.
        """
        expected = {field.name for field in fields(cls)}
        if set(values) != expected:
            wrong = sorted(set(values) ^ expected)
            raise ValueError(f"the function's fields {wrong} are missing or unknown")
        lists = {key: tuple(values[key]) for key in ("command", "files", "libraries")}
        return cls(**{**values, **lists})

    def arguments(self) -> list[str]:
        """Return the program to execute and its arguments."""
        if self.style == "handler":
            return [self.python, "-m", "headstart"]
        head, *rest = self.command
        return [self.python if head == "python" else head, *rest]

    def threads(self) -> dict[str, str]:
        """Return those environment variables that set numbers of threads."""
        return {
            key: value
            for key, value in self.environment.items()
            if key.endswith("_NUM_THREADS") and value.isdigit()
        }

    def needs(self) -> list[Path]:
        """List what the function must be able to read, apart from the system's own files."""
        return [Path(self.folder), *map(Path, self.files), *interpreter_folders(Path(self.python))]


def interpreter_folders(python: Path) -> list[Path]:
    """List where an interpreter lives: its virtual environment, and its installation.

    The latter is named by ``home`` in ``pyvenv.cfg`` (PEP 405).
    """
    environment = python.absolute().parent.parent
    settings = environment / "pyvenv.cfg"
    if not settings.is_file():
        return [python.resolve().parent.parent]
    pairs = (line.partition("=") for line in settings.read_text().splitlines())
    homes = [value.strip() for key, _, value in pairs if key.strip() == "home"]
    return [environment, *(Path(home).resolve().parent for home in homes)]
