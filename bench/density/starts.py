"""Ways to a function that is ready: loaded, forked from its libraries, restored from a snapshot.

The functions are some of the eight networks and of the demonstration. A restored one pays for its
pages when it first uses them, so that what counts is the time to its first answer.
"""

import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.density.functions import OWNER, Way, Workshop
from bench.density.instance import REQUEST, Instance, instance
from bench.density.measures import WIDE_BYTES, Row
from executor.calls import Payload
from executor.functions import Package
from executor.units import MIB

NETWORKS = ("resnet50", "resnet152", "vgg19")
DEMONSTRATION = ("file-type", "sentence-embedding")


@dataclass(frozen=True, slots=True)
class Start:
    """One function, and a way to have it ready."""

    subject: str
    way: str
    package: Package
    body: Payload
    share_libraries: bool = False
    snapshots: bool = False


def all_starts(workshop: Workshop, packages: Mapping[str, Package]) -> Iterator[Start]:
    """List what is measured; ``packages`` are those of the demonstration."""
    for name in NETWORKS:
        private = workshop.network(name, name, Way.PRIVATE)
        mapped = workshop.network(name, name, Way.SHARED)
        yield Start(name, "loaded, copied weights", private, REQUEST)
        yield Start(name, "loaded, mapped weights", mapped, REQUEST)
        yield Start(name, "forked, mapped weights", mapped, REQUEST, share_libraries=True)
        yield Start(name, "restored, copied weights", private, REQUEST, snapshots=True)
        yield Start(name, "restored, mapped weights", mapped, REQUEST, snapshots=True)
    for name in DEMONSTRATION:
        package = packages[name]
        package = replace(package, function=replace(package.function, owner=OWNER))
        body = Payload((package.folder / "example.json").read_bytes())
        yield Start(name, "loaded", package, body)
        if package.libraries:
            yield Start(name, "forked", package, body, share_libraries=True)
        yield Start(name, "restored", package, body, snapshots=True)


async def starts(
    workshop: Workshop, packages: Mapping[str, Package], repeats: int
) -> AsyncIterator[Row]:
    """Time loads until ready and until the first answer, in an idle instance.

    The first load is apart: with it come the libraries that later ones are forked from, or the
    snapshot that they are restored from.
    """
    for start in all_starts(workshop, packages):
        with tempfile.TemporaryDirectory(prefix="density-") as folder:
            Path(folder).chmod(0o755)
            made = instance(
                [start.package],
                Path(folder, "state"),
                WIDE_BYTES,
                share_libraries=start.share_libraries,
                snapshots=start.snapshots,
            )
            async with made as one:
                async for measure, value, unit in _play(one, start, repeats):
                    yield Row(measure, start.subject, start.way, value, unit)
                for size in _snapshot_bytes(Path(folder)):
                    yield Row("snapshot", start.subject, start.way, size / MIB, "MiB")


async def _play(one: Instance, start: Start, repeats: int) -> AsyncIterator[tuple[str, float, str]]:
    name = start.package.function.name
    yield "first load", 1000 * await one.load(name), "ms"
    await one.offload(name)
    for _ in range(repeats):
        empty_bytes = one.held_bytes()
        load_s = await one.load(name)
        answer_s = await one.answer(name, start.body)
        yield "ready", 1000 * load_s, "ms"
        yield "first answer", 1000 * (load_s + answer_s), "ms"
        yield "added by one that was called", (one.held_bytes() - empty_bytes) / MIB, "MiB"
        await one.offload(name)


def _snapshot_bytes(folder: Path) -> Iterator[int]:
    for links in folder.glob("state/*/snapshots/*/links.json"):
        yield sum(file.stat().st_size for file in links.parent.iterdir())
