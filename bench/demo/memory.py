"""Follows the memory of a running server by its metrics."""

import asyncio
import re
import time
from dataclasses import dataclass

import httpx

from executor.units import GIB

_GAUGE = re.compile(r"^headstart_(used_memory|instance_limit)_bytes (\S+)$", re.MULTILINE)


@dataclass(slots=True)
class MemoryUse:
    """What a run took: the most that was in use, and what containers were held over time."""

    peak_bytes: int = 0
    held_gib_s: float = 0.0


async def watch_memory(url: str, every_s: float, use: MemoryUse) -> None:
    """Add to ``use`` until cancelled, or until the server has gone."""
    async with httpx.AsyncClient(base_url=url) as client:
        seen_s = time.perf_counter()
        while True:
            try:
                text = (await client.get("/metrics")).text
            except httpx.TransportError:
                return
            gauges = {name: float(value) for name, value in _GAUGE.findall(text)}
            now_s = time.perf_counter()
            use.peak_bytes = max(use.peak_bytes, int(gauges["used_memory"]))
            use.held_gib_s += gauges["instance_limit"] / GIB * (now_s - seen_s)
            seen_s = now_s
            await asyncio.sleep(every_s)
