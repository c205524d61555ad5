"""What an instance carries so that another server may take it over.

Whoever would make an instance otherwise by now, of another image, other code or other limits, sees
that by the fingerprint.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from executor.actions import StartInstance
from executor.functions import Package
from executor.proxy.spec import interpreter_folders
from executor.units import MIB

_PROXY = Path(__file__).parents[1] / "proxy"
_CACHE = "__pycache__"

LARGE_BYTES = MIB
"""Files of a function's folder beyond this are taken for model files."""


@dataclass(frozen=True, slots=True)
class Papers:
    """The order that an instance was started by, its first user, and what it was made of."""

    start: StartInstance
    base_uid: int
    fingerprint: str

    def write(self) -> str:
        """Write them as JSON."""
        return json.dumps({**asdict(self), "start": self.start._asdict()})

    @classmethod
    def read(cls, text: str) -> "Papers | None":
        """Read what was written; None if it was by a server that wrote otherwise."""
        values = json.loads(text or "{}")
        start = values.get("start", {})
        expected = {field.name for field in fields(cls)}
        if set(values) != expected or set(start) != {*StartInstance._fields}:
            return None
        return cls(StartInstance(**start), values["base_uid"], values["fingerprint"])


def fingerprint(*parts: Any) -> str:
    """Stand for what is made of these parts, which JSON can hold."""
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def contents(packages: Iterable[Package]) -> dict[str, str]:
    """Stand, for each owner, for all that its functions are made of, and the manager's own code.

    Of large files and installed packages not the bytes count, which may be many, but those signs
    that tell one version from another.
    """
    manager = fingerprint(list(_code(_PROXY)))
    owners: dict[str, list[Any]] = {}
    for package in packages:
        of_owner = owners.setdefault(package.function.owner, [manager])
        of_owner.append([repr(package), *_code(package.folder), *map(_version, package.files)])
        of_owner.append(_installed(package.python))
    return {owner: fingerprint(*parts) for owner, parts in owners.items()}


def _code(folder: Path) -> Iterator[tuple[str, Any]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and _CACHE not in file.parts:
            large = file.stat().st_size > LARGE_BYTES
            sign = _version(file) if large else sha256(file.read_bytes()).hexdigest()
            yield str(file.relative_to(folder)), sign


def _version(file: Path) -> tuple[str, int, int]:
    status = file.stat()
    return str(file), status.st_size, status.st_mtime_ns


def _installed(python: Path) -> list[str]:
    (environment, *_) = interpreter_folders(python)
    return sorted(one.name for one in environment.glob("lib/python3*/*-packages/*.dist-info"))
