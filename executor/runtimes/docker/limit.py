"""The memory limit of one container, which follows the call in it."""

import asyncio
from collections.abc import Awaitable, Callable


class MemoryLimit:
    """Brings a container's limit to what was last asked for, one change at a time.

    Parameters
    ----------
    limit_bytes
        What it is, 0 when that is not known.
    change
        Changes it.
    """

    def __init__(self, limit_bytes: int, change: Callable[[int], Awaitable[None]]) -> None:
        self._present = self._wanted = limit_bytes
        self._change = change
        self._changing: asyncio.Task[None] | None = None

    def set(self, limit_bytes: int) -> None:
        """Ask for another limit."""
        self._wanted = limit_bytes
        if self._changing is None and self._wanted != self._present:
            self._changing = asyncio.get_running_loop().create_task(self._follow())

    async def settled(self) -> None:
        """Wait until the limit is as last asked for.

        Raises
        ------
        Exception
            What went wrong with the last change.
        """
        if self._changing is not None:
            await self._changing

    async def _follow(self) -> None:
        try:
            while self._wanted != self._present:
                wanted = self._wanted
                await self._change(wanted)
                self._present = wanted
        finally:
            self._changing = None
