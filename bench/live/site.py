"""The functions of live runs, and the server's settings for each run."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.live.functions import EXAMPLE, adapt
from bench.live.place import Place
from bench.live.runs import Cell, settings
from bench.replay.profiles import ProfileFile
from executor.domain import Isolation
from executor.functions import Package
from executor.packages import read_packages

FITS, PRESSURE = "fits", "pressure"
SETUPS = (FITS, PRESSURE)


@dataclass(frozen=True, slots=True)
class Site:
    """Functions in a folder and where they run.

    ``like`` names the function that is measured in each one's place; ``out`` is where the functions
    are written anew with what was measured.
    """

    source: Path
    models: Path
    like: Mapping[str, str]
    place: Place
    out: Path

    def packages(self) -> dict[str, Package]:
        """Read the functions."""
        return self._read(self.source)

    def adapted(self, cell: Cell) -> dict[str, Package]:
        """Read the functions of a run."""
        return self._read(self._folder(cell.isolation))

    def bodies(self) -> dict[str, bytes]:
        """Return the request of each function."""
        return {
            name: (package.folder / EXAMPLE).read_bytes()
            for name, package in self.packages().items()
        }

    def adapt(self, costs: ProfileFile) -> None:
        """Write the functions with what was measured, once for each isolation."""
        profiles = {name: costs.profile(other) for name, other in self.like.items()}
        for isolation in Isolation:
            adapt(self.source, self._folder(isolation), profiles, isolation)

    def memory_bytes(self, setup: str, demand_bytes: int) -> int:
        """Return the memory for all instances.

        In ``fits`` every function could have an instance. Under ``pressure`` it is half of what all
        functions hold in processes of their own, but at least an instance for each owner.
        """
        functions = [package.function for package in self.packages().values()]
        if setup == FITS:
            return sum(one.memory_limit_bytes for one in functions)
        largest: dict[str, int] = {}
        for one in functions:
            largest[one.owner] = max(one.memory_limit_bytes, largest.get(one.owner, 0))
        return max(demand_bytes // 2, sum(largest.values()))

    def config(self, cell: Cell, demand_bytes: int) -> dict[str, Any]:
        """Return the server's settings for a run."""
        base = {
            "functions": str(self._folder(cell.isolation).resolve()),
            "models": str(self.models.resolve()),
            "state": str((self.out / "state").resolve()),
            "gateway": {"port": 0},
            **self.place.settings(self.memory_bytes(cell.setup, demand_bytes)),
        }
        return settings(base, cell)

    def _read(self, folder: Path) -> dict[str, Package]:
        return read_packages(folder, models=self.models, python=Path(sys.executable))

    def _folder(self, isolation: Isolation) -> Path:
        return self.out / f"functions-{isolation.value}"
