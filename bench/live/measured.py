"""What the functions of a site cost, measured where they will run."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from bench.live.site import Site
from bench.profile.measure import Laboratory, profiled
from bench.replay.profiles import ProfileFile, read_profile, write_profile
from executor.calls import Payload
from executor.clock import since_midnight
from executor.units import MIB

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Measured:
    """In processes of their own, and forked from processes that have their libraries."""

    private: ProfileFile
    shared: ProfileFile

    def profile(self, *, shared: bool) -> ProfileFile:
        """Return one of the two."""
        return self.shared if shared else self.private

    def demand_bytes(self, site: Site) -> int:
        """Sum what all functions hold in processes of their own, once called."""
        return sum(self.private.models[other].memory_mib * MIB for other in site.like.values())


def measured(site: Site, folder: Path, repeats: int, cores: int, bar: Progress) -> Measured:
    """Measure a site's functions in both ways, unless the folder has the results."""
    _read_through(site.models)
    found = []
    for shared in (False, True):
        file = folder / ("shared.yaml" if shared else "private.yaml")
        if not file.exists():
            made = asyncio.run(_profile(site, folder, repeats, cores, bar, shared=shared))
            write_profile(file, made)
        found.append(read_profile(file))
    return Measured(*found)


async def _profile(
    site: Site, folder: Path, repeats: int, cores: int, bar: Progress, *, shared: bool
) -> ProfileFile:
    packages, clock = site.packages(), since_midnight()
    chosen = sorted(set(site.like.values()))
    requests = {name: Payload(body) for name, body in site.bodies().items() if name in chosen}
    task = bar.add_task("measuring", total=repeats * len(requests))
    laboratory = Laboratory(
        packages,
        clock,
        lambda calls: site.place.runtime(packages, calls, clock, folder / "state", shared),
        site.place.worker,
    )
    return await profiled(
        laboratory, packages, requests, repeats, lambda _: bar.advance(task), cores
    )


def _read_through(models: Path) -> None:
    """Read the model files once, so that no measurement or call waits for a disk."""
    for file in models.rglob("*"):
        if file.is_file():
            with file.open("rb") as stream:
                while stream.read(_CHUNK_BYTES):
                    pass
