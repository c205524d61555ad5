"""The calls under way, so that a stopping server can let them end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class InFlight:
    """Keeps account of calls; once ``closing`` no new ones may be started."""

    def __init__(self) -> None:
        self.closing = False
        self._calls: set[asyncio.Task[Any]] = set()

    def start(self, call: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run a call in a task of its own."""
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
        return task

    async def close(self, grace_s: float) -> None:
        """Give the calls under way time to end, then cancel the rest."""
        self.closing = True
        if not self._calls:
            return
        _, late = await asyncio.wait(self._calls, timeout=grace_s)
        for call in late:
            call.cancel()
        await asyncio.gather(*late, return_exceptions=True)
