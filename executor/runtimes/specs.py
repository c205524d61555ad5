"""What a manager is told of a function with each load and run."""

from collections.abc import Mapping
from typing import Any

from executor.events import LoadReport
from executor.functions import Package


class Specs:
    """The functions as managers need them, with what each is expected to hold.

    Until a function was measured its profile is taken for that; a profile of the whole memory
    limit stands for "unknown" and reserves nothing.
    """

    def __init__(self, packages: Mapping[str, Package], *, share_libraries: bool) -> None:
        self._packages = packages
        self._share_libraries = share_libraries
        self._measured: dict[str, LoadReport] = {}

    def of(self, function: str) -> dict[str, Any]:
        """Return the fields of a request."""
        package = self._packages[function]
        memory_bytes, library_bytes = self._expected_bytes(package)
        shared = self._share_libraries and bool(package.libraries)
        spec = {
            **_spec(package),
            "library": package.function.library if shared else "",
            "libraries": package.libraries if shared else (),
        }
        return {"spec": spec, "memory_bytes": memory_bytes, "library_bytes": library_bytes}

    def learn(self, function: str, report: LoadReport) -> None:
        """Note what a function was measured to hold."""
        self._measured[function] = report

    def _expected_bytes(self, package: Package) -> tuple[int, int]:
        known = package.function
        report = self._measured.get(known.name)
        if report is not None:
            return report.memory_bytes, report.library_bytes
        guess = known.profile.memory_bytes
        return guess if guess < known.memory_limit_bytes else 0, known.profile.library_bytes


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
