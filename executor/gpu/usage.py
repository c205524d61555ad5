"""GPUs as the rest of the executor sees them: names and memory."""

from collections.abc import Mapping
from dataclasses import dataclass


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
