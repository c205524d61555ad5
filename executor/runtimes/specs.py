"""What a manager is told of a function with each load and run."""

from collections.abc import Mapping
from typing import Any

from executor.domain import Tier
from executor.events import LoadReport
from executor.functions import Package


class Specs:
    """The functions as managers need them, with what each is expected to hold.

    Until a function was measured its profile is taken for that; a profile of the whole memory
    limit stands for "unknown" and reserves nothing.

    Parameters
    ----------
    snapshots
        For functions that may be restored: the snapshot's name, and the user that they have then.
    """

    def __init__(
        self,
        packages: Mapping[str, Package],
        *,
        share_libraries: bool,
        snapshots: Mapping[str, tuple[str, int]] | None = None,
    ) -> None:
        self._packages = packages
        self._share_libraries = share_libraries
        self._snapshots = snapshots or {}
        self._measured: dict[tuple[str, Tier], LoadReport] = {}

    def of(self, function: str, tier: Tier) -> dict[str, Any]:
        """Return the fields of a request to load a function to a tier, or to run it there."""
        package = self._packages[function]
        memory_bytes, library_bytes = self._expected_bytes(package)
        if tier is Tier.GPU:
            memory_bytes = max(memory_bytes, self._beside_gpu_bytes(package))
        shared = self._share_libraries and bool(package.libraries)
        snapshot, uid = self._snapshots.get(function, ("", 0))
        spec = {
            **_spec(package),
            "snapshot": snapshot,
            "snapshot_uid": uid,
            "library": package.function.library if shared else "",
            "libraries": package.libraries if shared else (),
        }
        return {"spec": spec, "memory_bytes": memory_bytes, "library_bytes": library_bytes}

    def gpu_bytes(self, function: str, tier: Tier) -> int:
        """Return what a function takes of a GPU in a tier."""
        return self._packages[function].function.gpu_bytes(tier)

    def learn(self, function: str, tier: Tier, report: LoadReport) -> None:
        """Note what a function was measured to hold; one that was on a GPU keeps some of that."""
        if tier is Tier.GPU or not report.move_s:
            self._measured[function, tier] = report

    def _expected_bytes(self, package: Package) -> tuple[int, int]:
        known = package.function
        report = self._measured.get((known.name, Tier.HOST))
        if report is not None:
            return report.memory_bytes, report.library_bytes
        guess = known.profile.memory_bytes
        return guess if guess < known.memory_limit_bytes else 0, known.profile.library_bytes

    def _beside_gpu_bytes(self, package: Package) -> int:
        report = self._measured.get((package.function.name, Tier.GPU))
        return (
            report.memory_bytes if report is not None else package.function.memory_bytes(Tier.GPU)
        )


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
