"""Sends a workload over HTTP at its own times, whether or not earlier calls have ended."""

import asyncio
import csv
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import httpx

from bench.demo.workload import Arrival

_TIMING = re.compile(r"([a-z]+);dur=([0-9.]+)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call as its caller saw it; the server says how it began and what loading took."""

    function: str
    at_s: float
    latency_s: float
    status: int
    start_kind: str
    instance: str
    wait_s: float
    loading_s: float
    run_s: float


async def replay(
    url: str,
    arrivals: tuple[Arrival, ...],
    bodies: Mapping[str, bytes],
    timeout_s: float,
    on_outcome: Callable[[Outcome], None],
) -> list[Outcome]:
    """Send every call when it is due and wait for all answers.

    Parameters
    ----------
    url
        Address of the server.
    arrivals
        The calls, in order.
    bodies
        The request of each function, as JSON.
    timeout_s
        How long a caller waits for an answer.
    on_outcome
        Sees each call as it ends.
    """
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=timeout_s, limits=limits) as client:
        begun_s = time.perf_counter()
        tasks = []
        for arrival in arrivals:
            await asyncio.sleep(max(0.0, begun_s + arrival.at_s - time.perf_counter()))
            tasks.append(asyncio.create_task(_call(client, arrival, bodies, on_outcome)))
        return list(await asyncio.gather(*tasks))


async def _call(
    client: httpx.AsyncClient,
    arrival: Arrival,
    bodies: Mapping[str, bytes],
    on_outcome: Callable[[Outcome], None],
) -> Outcome:
    begun_s = time.perf_counter()
    response = await client.post(
        f"/v2/models/{arrival.function}/infer", content=bodies[arrival.function]
    )
    headers = response.headers
    spent_s = durations_s(headers.get("server-timing", ""))
    outcome = Outcome(
        function=arrival.function,
        at_s=arrival.at_s,
        latency_s=time.perf_counter() - begun_s,
        status=response.status_code,
        start_kind=headers.get("headstart-start-kind", ""),
        instance=headers.get("headstart-instance", ""),
        wait_s=spent_s.get("wait", 0.0),
        loading_s=spent_s.get("loading", 0.0),
        run_s=spent_s.get("run", 0.0),
    )
    on_outcome(outcome)
    return outcome


def durations_s(server_timing: str) -> dict[str, float]:
    """Read the parts of a ``Server-Timing`` header (W3C), which are in milliseconds."""
    return {name: float(spent_ms) / 1000 for name, spent_ms in _TIMING.findall(server_timing)}


def write_calls(file: Path, outcomes: Sequence[Outcome]) -> None:
    """Write one line a call, in seconds."""
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, [field.name for field in fields(Outcome)])
        writer.writeheader()
        writer.writerows(map(asdict, outcomes))
