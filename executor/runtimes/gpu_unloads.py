"""Waits until functions have given their memory on a GPU back, and ends those that do not."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from executor.actions import Offload, RuntimeAction
from executor.clock import Clock
from executor.errors import RuntimeFailure
from executor.gpu.unload import Freed, Patience, unloaded
from executor.gpu.usage import DeviceFailure
from executor.runtimes.gpu_places import Place, Places
from executor.runtimes.protocol import Sink


@dataclass(frozen=True, slots=True)
class Means:
    """What the gate works with.

    Attributes
    ----------
    need_bytes
        Gives what a function takes of a GPU.
    forward
        Carries out what may begin.
    pids
        Gives the processes of instances, by their ids on this machine.
    """

    need_bytes: Callable[[str], int]
    forward: Callable[[RuntimeAction], None]
    pids: Callable[[Collection[str]], Mapping[str, Collection[int]]]
    clock: Clock
    sink: Sink


class GpuUnloads:
    """The functions that are back in memory, and whose memory on the GPU is not free yet."""

    def __init__(self, places: Places, means: Means) -> None:
        self._places = places
        self._means = means
        self._recycling: dict[tuple[str, str], asyncio.Future[None]] = {}

    async def wait(self, place: Place, function: str) -> str:
        """Wait until a function has given its memory back; say so if its process had to end."""
        id_ = place.instance_id
        pids = self._means.pids([id_]).get(id_, ())

        def held_bytes() -> int | None:
            if not self._places.is_leaving(id_, function):
                return 0
            with suppress(DeviceFailure):
                return place.keeper.held_bytes(place.gpu, pids)
            return None

        async def recycle() -> None:
            loop = asyncio.get_running_loop()
            recycled = self._recycling[id_, function] = loop.create_future()
            self._means.forward(Offload(id_, function))
            await recycled

        patience = Patience(self._means.clock, asyncio.sleep)
        try:
            freed = await unloaded(held_bytes, place.bytes_without(function), recycle, patience)
        except RuntimeFailure as failure:
            return str(failure)
        kept = freed is Freed.RECYCLED
        return "it kept its memory on the GPU, so that its process was ended" if kept else ""

    def recycled(self, instance_id: str, function: str) -> bool:
        """Take that a function is gone; False if that was not our doing."""
        recycled = self._recycling.pop((instance_id, function), None)
        if recycled is not None:
            recycled.set_result(None)
        return recycled is not None

    def instance_gone(self, instance_id: str) -> None:
        """Take that all of an instance is gone."""
        for key in [key for key in self._recycling if key[0] == instance_id]:
            self.recycled(*key)
