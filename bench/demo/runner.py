"""Runs the same workload once for each way of keeping models loaded."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from bench.demo.client import Outcome, replay
from bench.demo.memory import MemoryUse, watch_memory
from bench.demo.server import server
from bench.demo.summary import Summary, summarise
from bench.demo.table import LiveTable
from bench.demo.workload import Arrival

SAMPLE_S = 0.5
"""Time between looks at the memory in use."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One way of keeping models loaded, as settings of the server."""

    name: str
    settings: Mapping[str, Any]


_PLAIN = {"plan": {"enabled": False}, "share_libraries": False}

MODES = {
    "none": Mode("no pre-loading", {**_PLAIN, "serve": {"warm_keeps_model": False}}),
    "own": Mode("keep own model", _PLAIN),
    "headstart": Mode("headstart", {}),
}
"""``none``: a warm instance loads libraries and model for every call, as the published comparisons
count; ``own``: it keeps those of its last call, as real platforms do."""


@dataclass(frozen=True, slots=True)
class Job:
    """The workload, the same for every mode."""

    arrivals: tuple[Arrival, ...]
    bodies: Mapping[str, bytes]
    timeout_s: float


async def run_mode(
    mode: Mode, base: Mapping[str, Any], job: Job, folder: Path, console: Console
) -> tuple[Summary, list[Outcome]]:
    """Start a server in a mode, send it the workload, stop it."""
    table = LiveTable(mode.name, len(job.arrivals))
    use = MemoryUse()
    async with server({**base, **mode.settings}, folder) as url:
        watching = asyncio.create_task(watch_memory(url, SAMPLE_S, use))
        try:
            with Live(table, console=console, refresh_per_second=4):
                outcomes = await replay(url, job.arrivals, job.bodies, job.timeout_s, table.add)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
    return summarise(mode.name, outcomes, use), outcomes
