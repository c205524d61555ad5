import asyncio
from collections.abc import Callable

import pytest

from executor.errors import TemporaryFailure
from executor.gpu.unload import Freed, Patience, unloaded

CONTEXT = 400


class Gpu:
    """Time passes only in sleeps; memory comes free when the scenario says so."""

    def __init__(self, held: Callable[["Gpu"], int | None]) -> None:
        self.now_s = 0.0
        self.recycled_s: float | None = None
        self._held = held

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    async def recycle(self) -> None:
        self.recycled_s = self.now_s

    def leave(self) -> Freed:
        patience = Patience(lambda: self.now_s, self.sleep)
        seen = lambda: self._held(self)  # noqa: E731
        return asyncio.run(unloaded(seen, CONTEXT, self.recycle, patience))


def test_memory_that_is_given_back_in_time_leaves_the_process_alone() -> None:
    gpu = Gpu(lambda gpu: 9000 if gpu.now_s < 0.5 else CONTEXT)
    assert gpu.leave() is Freed.GIVEN_BACK
    assert gpu.recycled_s is None
    assert gpu.now_s == pytest.approx(0.5)


def test_memory_that_stays_held_costs_the_process() -> None:
    gpu = Gpu(lambda gpu: 9000 if gpu.recycled_s is None else 0)
    assert gpu.leave() is Freed.RECYCLED
    assert gpu.recycled_s == pytest.approx(1.0, abs=0.02)


def test_where_the_driver_does_not_tell_only_the_end_of_the_process_is_proof() -> None:
    gpu = Gpu(lambda gpu: None)
    assert gpu.leave() is Freed.RECYCLED
    assert gpu.recycled_s == 0.0


def test_memory_that_nobody_frees_is_a_failure() -> None:
    with pytest.raises(TemporaryFailure, match="9000 bytes of GPU memory"):
        Gpu(lambda gpu: 9000).leave()
