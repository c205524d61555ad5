"""What a manager is told of a function with each load and run."""

from collections.abc import Mapping
from typing import Any

from executor.functions import Package


class Specs:
    """The functions as managers need them, with what each is expected to hold.

    Until a function was measured its profile is taken for that; a profile of the whole memory
    limit stands for "unknown" and reserves nothing.
    """

    def __init__(self, packages: Mapping[str, Package]) -> None:
        self._packages = packages
        self._measured_bytes: dict[str, int] = {}

    def of(self, function: str) -> dict[str, Any]:
        """Return the fields of a request."""
        package = self._packages[function]
        return {"spec": _spec(package), "expected_bytes": self._expected_bytes(package)}

    def learn(self, function: str, memory_bytes: int) -> None:
        """Note what a function was measured to hold."""
        self._measured_bytes[function] = memory_bytes

    def _expected_bytes(self, package: Package) -> int:
        known = package.function
        guess = known.profile.memory_bytes
        default = guess if guess < known.memory_limit_bytes else 0
        return self._measured_bytes.get(known.name, default)


def _spec(package: Package) -> dict[str, Any]:
    return {
        "name": package.function.name,
        "owner": package.function.owner,
        "style": package.style.value,
        "handler": package.handler,
        "command": package.command,
        "python": str(package.python),
        "folder": str(package.folder),
        "files": [str(path) for path in package.files],
        "environment": package.environment,
        "memory_limit_bytes": package.function.memory_limit_bytes,
        "load_timeout_s": package.load_timeout_s,
    }
