"""Makes sure that GPU memory is free again: seen by NVML, or the process that held it is dead."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from executor.clock import Clock
from executor.errors import TemporaryFailure


class Freed(StrEnum):
    """How memory came free: the function gave it back, or its process had to end."""

    GIVEN_BACK = "given back"
    RECYCLED = "recycled"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to look, and how often; the clock and the sleep are given."""

    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    limit_s: float = 1.0
    pause_s: float = 0.01

    async def until(self, done: Callable[[], bool]) -> bool:
        """Wait until something is so, and say whether it is."""
        end_s = self.clock() + self.limit_s
        while not done():
            if self.clock() >= end_s:
                return False
            await self.sleep(self.pause_s)
        return True


async def unloaded(
    seen_bytes: Callable[[], int | None],
    at_most_bytes: int,
    recycle: Callable[[], Awaitable[None]],
    patience: Patience,
) -> Freed:
    """Wait until a function that was asked to leave a GPU holds little of it, or end its process.

    Parameters
    ----------
    seen_bytes
        Measures what the function's instance holds; None where the driver does not tell.
    at_most_bytes
        What it may still hold, since a CUDA context stays as long as its process.
    recycle
        Ends the process; done when that is confirmed.

    Raises
    ------
    TemporaryFailure
        If the memory is held even so.
    """

    def free() -> bool:
        size = seen_bytes()
        return size is not None and size <= at_most_bytes

    if seen_bytes() is not None and await patience.until(free):
        return Freed.GIVEN_BACK
    await recycle()
    if seen_bytes() is None or await patience.until(free):
        return Freed.RECYCLED
    raise TemporaryFailure(
        f"{seen_bytes()} bytes of GPU memory are held by a process that has ended; "
        f"expected at most {at_most_bytes}",
        patience.limit_s,
    )
