"""GPUs as the rest of the executor sees them: names and memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from executor.errors import PermanentFailure, RuntimeFailure


class NoDriver(PermanentFailure):
    """There is no NVIDIA driver here, or it does not work."""


class DeviceFailure(RuntimeFailure):
    """A GPU did not answer, or there is none of that name."""


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU, or an instance of one that is partitioned (``parent`` is then the whole GPU).

    ``uuid`` is what CUDA_VISIBLE_DEVICES and Docker's device requests take.
    """

    uuid: str
    model: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Memory of a device.

    Attributes
    ----------
    reserved_bytes
        What the driver keeps for itself; no part of ``used_bytes``.
    process_bytes
        What each process holds, by its id on the host; None where the driver does not tell.
    """

    total_bytes: int
    reserved_bytes: int
    used_bytes: int
    process_bytes: Mapping[int, int | None]


class Gauge(Protocol):
    """What measures GPUs."""

    def devices(self) -> list[Device]:
        """List what can be given to functions; DeviceFailure if a GPU does not answer."""

    def usage(self, uuid: str) -> Usage:
        """Measure the memory of a device; DeviceFailure if it does not answer."""

    def fault(self, device: Device) -> str:
        """Say why nothing should be loaded on a device; empty when it is well."""


@dataclass(frozen=True, slots=True)
class Account:
    """How a GPU stands; ``fault`` says why nothing is loaded on it, empty when it is well.

    Attributes
    ----------
    ours_bytes, foreign_bytes
        What our functions and other programs are seen to hold.
    reserved_bytes
        What is reserved for our functions, seen or not.
    free_bytes
        What may still be reserved.
    """

    total_bytes: int
    ours_bytes: int
    reserved_bytes: int
    foreign_bytes: int
    free_bytes: int
    fault: str = ""
