"""What is measured; each measure yields rows as it goes."""

import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from bench.density.direct import direct
from bench.density.functions import Way, Workshop
from bench.density.instance import Instance, Refused, container, instance
from bench.density.networks import NETWORKS
from executor.calls import Payload
from executor.functions import Package
from executor.units import GIB, MIB

WIDE_BYTES = 64 * GIB
"""A limit that nothing measured here reaches."""

SMALL_BYTES = 700 * MIB
FOUR = ("resnet18", "resnet50", "resnet152", "bert")
"""The models of the small instance; copied they are too large for it."""

CALLS_AT_LEAST = 300

INPUTS = {"no input": 0, "a picture": 224 * 224 * 3, "a picture as FP32": 4 * 224 * 224 * 3}
"""Bytes that calls carry."""


@dataclass(frozen=True, slots=True)
class Row:
    """One value: of which measure, for what, in which way."""

    measure: str
    subject: str
    way: str
    value: float
    unit: str


@asynccontextmanager
async def _instance(
    packages: list[Package], way: Way, limit_bytes: int = WIDE_BYTES, engine: str | None = None
) -> AsyncIterator[Instance]:
    with tempfile.TemporaryDirectory(prefix="density-") as folder:
        Path(folder).chmod(0o755)
        shared, state = way is Way.SHARED, Path(folder, "state")
        if engine is None:
            made = instance(packages, state, limit_bytes, share_libraries=shared)
        else:
            made = container(packages, state, limit_bytes, share_libraries=shared, engine=engine)
        async with made as one:
            yield one


def _endless(workshop: Workshop, way: Way) -> Iterator[Package]:
    names = list(NETWORKS)
    for number in count():
        network = names[number % len(names)]
        yield workshop.network(f"{network}-{number}", network, way)


async def residents(workshop: Workshop, budget_bytes: int, most: int) -> AsyncIterator[Row]:
    """Count the functions that fit in a budget by proportional sets, all processes counted.

    The networks are taken in turn. Pre-loaded functions have not been called; those that were hold
    the weights that they have used.
    """
    for way in Way:
        packages = list(islice(_endless(workshop, way), most))
        for called in (False, True):
            subject = "called once" if called else "pre-loaded"
            fitting = 0
            async with _instance(packages, way) as one:
                async for fitting, held_bytes in _fill(one, packages, budget_bytes, called=called):
                    yield Row("held", f"{fitting} {subject}", way, held_bytes / MIB, "MiB")
                    if held_bytes > budget_bytes:
                        fitting -= 1
            yield Row("residents", subject, way, fitting, "functions")


async def _fill(
    one: Instance, packages: list[Package], budget_bytes: int, *, called: bool
) -> AsyncIterator[tuple[int, int]]:
    """Load until a budget is exceeded; yield numbers of functions and what they hold.

    Measuring hundreds of processes takes seconds, so it is left out while four times as much as the
    largest function has taken would fit for each that is to come.
    """
    names = [package.function.name for package in packages]
    held_bytes = largest_bytes = measured = next_number = 1
    for number, name in enumerate(names, 1):
        await one.load(name)
        if called:
            await one.call(name, keep=frozenset(names))
        if number < next_number and number < len(names):
            continue
        before_bytes, held_bytes = held_bytes, one.held_bytes()
        yield number, held_bytes
        if held_bytes > budget_bytes:
            return
        if number > 1:
            growth_bytes = (held_bytes - before_bytes) // (number - measured)
            largest_bytes = max(largest_bytes, growth_bytes)
            left = (budget_bytes - held_bytes) // (4 * largest_bytes)
            next_number = number + max(1, left) if number > len(NETWORKS) else number + 1
        measured = number


async def loads(workshop: Workshop, repeats: int) -> AsyncIterator[Row]:
    """Time loads into an idle instance; the shared one has its library, as after any load."""
    for way in Way:
        packages = {name: workshop.network(name, name, way) for name in NETWORKS}
        async with _instance(list(packages.values()), way) as one:
            first = next(iter(packages.values())).function.name
            await one.load(first)
            await one.offload(first)
            for network, package in packages.items():
                name = package.function.name
                for _ in range(repeats):
                    yield Row("load", network, way, 1000 * await one.load(name), "ms")
                    await one.offload(name)


async def calls(workshop: Workshop, repeats: int) -> AsyncIterator[Row]:
    """Time calls of a resident function, through the runtime and straight to its process."""
    package = workshop.nothing()
    for label, size in INPUTS.items():
        body = _request(size)
        with direct(package) as process:
            for _ in range(max(repeats, CALLS_AT_LEAST)):
                to_inference_s, _ = process.call(body)
                yield Row("call", label, "direct", 1000 * to_inference_s, "ms")
        async with _instance([package], Way.SHARED) as one:
            await one.load(package.function.name)
            for _ in range(max(repeats, CALLS_AT_LEAST)):
                to_inference_s, _ = await one.call(package.function.name, body=body)
                yield Row("call", label, "runtime", 1000 * to_inference_s, "ms")


async def removals(workshop: Workshop, repeats: int) -> AsyncIterator[Row]:
    """Time a call until four others of its instance are killed and confirmed gone."""
    guest = workshop.nothing()
    for way in Way:
        packages = [workshop.network(name, name, way) for name in FOUR]
        names = [package.function.name for package in packages]
        async with _instance([guest, *packages], way) as one:
            for called in (False, True):
                subject = "after a call" if called else "pre-loaded"
                for _ in range(repeats):
                    await one.load(guest.function.name)
                    for name in names:
                        await one.load(name)
                    if called:
                        await _call_all(one, names, frozenset([guest.function.name]))
                    gone_s = await one.clear_for(guest.function.name, len(names))
                    yield Row("removal of four", subject, way, 1000 * gone_s, "ms")


async def small(workshop: Workshop, engine: str | None) -> AsyncIterator[Row]:
    """Load and call four models in a small instance, and count those that stay throughout.

    The instance is a container if there is an ``engine``.
    """
    for way in Way:
        packages = [workshop.network(name, name, way) for name in FOUR]
        names = [package.function.name for package in packages]
        async with _instance(packages, way, SMALL_BYTES, engine) as one:
            loaded = 0
            for name in names:
                try:
                    await one.load(name)
                    loaded += 1
                except Refused:
                    break
            if loaded == len(names):
                await one.measured()
            yield Row("small instance", "loaded", way, loaded - len(one.evicted), "functions")
            yield Row("small instance", "loaded", way, one.held_bytes() / MIB, "MiB")
            if loaded == len(names):
                await _call_all(one, names, frozenset())
                await one.measured()
            yield Row("small instance", "called", way, loaded - len(one.evicted), "functions")
            yield Row("small instance", "called", way, one.held_bytes() / MIB, "MiB")


async def _call_all(one: Instance, names: list[str], besides: frozenset[str]) -> None:
    for name in names:
        await one.call(name, keep=frozenset(names) | besides)


def _request(size: int) -> Payload:
    tensor = {"name": "x", "datatype": "UINT8", "shape": [size]}
    header = {"inputs": [{**tensor, "parameters": {"binary_data_size": size}}]}
    return Payload(json.dumps(header).encode(), bytes(size))
