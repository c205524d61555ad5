"""The runs of live measurements, each of which leaves its calls and figures in a folder."""

import asyncio
import contextlib
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.live import Live

from bench.demo.client import Outcome, replay, write_calls
from bench.demo.memory import MemoryUse, watch_memory
from bench.demo.runner import MODES
from bench.demo.server import server
from bench.demo.table import LiveTable
from bench.demo.workload import Arrival
from executor.domain import Isolation

SAMPLE_S = 0.1
"""Time between looks at the memory of containers."""

CALL_TIMEOUT_S = 90.0
"""Above the time limit of any function, so that the server answers first."""

SHARE = "share"
"""Headstart with functions that have opted in to stay beside the calls of others."""

_FIGURES = "run.json"
_CALLS = "calls.csv"


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """Names one run: how much memory there is, the keep-alive policy, the way to pre-load."""

    setup: str
    policy: str
    way: str

    @property
    def folder(self) -> Path:
        """Where its files are, below that of all runs."""
        return Path(self.setup, self.policy, self.way)

    @property
    def title(self) -> str:
        """What people read."""
        return f"headstart, {SHARE}" if self.way == SHARE else MODES[self.way].name

    @property
    def isolation(self) -> Isolation:
        """What a call does to the functions beside it."""
        return Isolation.SHARE if self.way == SHARE else Isolation.STRICT


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run; ``held_gib_s`` are the limits of containers while the slice played."""

    outcomes: tuple[Outcome, ...]
    held_gib_s: float


def settings(base: Mapping[str, Any], cell: Cell) -> dict[str, Any]:
    """Return the server's settings for a run."""
    mode = MODES["headstart" if cell.way == SHARE else cell.way]
    return {**base, "keep_alive": {"policy": cell.policy}, **mode.settings}


async def play(
    cell: Cell,
    config: dict[str, Any],
    arrivals: tuple[Arrival, ...],
    bodies: Mapping[str, bytes],
    length_s: float,
    out: Path,
    console: Console,
) -> Ran:
    """Start a server, send it the calls, stop it, write down what came of it.

    Parameters
    ----------
    length_s
        How long memory is counted, the same for all runs: some have their last answer later.
    out
        The folder of all runs.
    """
    folder = out / cell.folder
    table = LiveTable(f"{cell.setup}, {cell.policy}, {cell.title}", len(arrivals))
    use = MemoryUse()
    async with server(config, folder) as url:
        watching = asyncio.create_task(watch_memory(url, SAMPLE_S, use))
        asyncio.get_running_loop().call_later(length_s, watching.cancel)
        with Live(table, console=console, refresh_per_second=4):
            outcomes = await replay(url, arrivals, bodies, CALL_TIMEOUT_S, table.add)
            with contextlib.suppress(asyncio.CancelledError):
                await watching
    write_calls(folder / _CALLS, outcomes)
    (folder / _FIGURES).write_bytes(orjson.dumps({"held_gib_s": use.held_gib_s}))
    return Ran(tuple(outcomes), use.held_gib_s)


def read_run(out: Path, cell: Cell) -> Ran | None:
    """Read what came of a run; None when it has not ended."""
    folder = out / cell.folder
    if not (folder / _FIGURES).exists():
        return None
    figures = orjson.loads((folder / _FIGURES).read_bytes())
    return Ran(tuple(read_calls(folder / _CALLS)), figures["held_gib_s"])


def read_calls(file: Path) -> Iterator[Outcome]:
    """Read the calls that ``write_calls`` has written."""
    kinds = Outcome.__annotations__
    with file.open(newline="") as stream:
        for row in csv.DictReader(stream):
            yield Outcome(**{name: kinds[name](value) for name, value in row.items()})
