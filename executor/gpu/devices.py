"""What NVIDIA's management library (NVML) says of the GPUs; its only importer."""

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import pynvml

from executor.gpu.usage import Device, DeviceFailure, NoDriver, Usage

Answer = TypeVar("Answer")

_ABSENT = (pynvml.NVMLError_NotSupported, pynvml.NVMLError_FunctionNotFound)
"""A device, or a driver, that does not have what was asked for."""


class Nvml:
    """The management library, open while the context is."""

    def __enter__(self) -> Self:
        """Open the library.

        Raises
        ------
        NoDriver
            If it is not there or does not work.
        """
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            raise NoDriver(f"NVML: {error}; expected an NVIDIA driver") from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pynvml.nvmlShutdown()

    def devices(self) -> list[Device]:
        """List what can be given to functions: whole GPUs, and the instances of partitioned ones.

        Raises
        ------
        DeviceFailure
            If a GPU does not answer.
        """
        return _ask("the list of devices", lambda: list(_devices()))

    def usage(self, uuid: str) -> Usage:
        """Measure the memory of a device.

        Raises
        ------
        DeviceFailure
            If it does not answer, or there is none of that name.
        """
        return _ask(uuid, lambda: _usage(pynvml.nvmlDeviceGetHandleByUUID(uuid)))

    def fault(self, device: Device) -> str:
        """Say why nothing should be loaded on a device; empty when it is well."""
        try:
            handle = pynvml.nvmlDeviceGetHandleByUUID(device.parent or device.uuid)
            return next(_faults(handle), "")
        except pynvml.NVMLError as error:
            return f"it does not answer: {error}"


def _devices() -> Iterator[Device]:
    for index in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        whole = _device(handle)
        if not _is_partitioned(handle):
            yield whole
            continue
        for place in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
            try:
                part = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, place)
            except pynvml.NVMLError_NotFound:
                continue
            yield _device(part, whole.uuid)


def _device(handle: Any, parent: str | None = None) -> Device:
    uuid, model = pynvml.nvmlDeviceGetUUID(handle), pynvml.nvmlDeviceGetName(handle)
    return Device(uuid, model, parent)


def _is_partitioned(handle: Any) -> bool:
    current, _ = _optional(lambda: pynvml.nvmlDeviceGetMigMode(handle), (0, 0))
    return bool(current == pynvml.NVML_DEVICE_MIG_ENABLE)


def _usage(handle: Any) -> Usage:
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle, version=pynvml.nvmlMemory_v2)
    processes = pynvml.nvmlDeviceGetComputeRunningProcesses(handle)
    return Usage(
        total_bytes=memory.total,
        reserved_bytes=memory.reserved,
        used_bytes=memory.used,
        process_bytes={one.pid: one.usedGpuMemory for one in processes},
    )


def _faults(handle: Any) -> Iterator[str]:
    errors = _optional(lambda: _uncorrected_errors(handle), 0)
    if errors:
        yield f"{errors} memory errors that could not be corrected since the driver was loaded"
    _, _, pending, failed = _optional(lambda: pynvml.nvmlDeviceGetRemappedRows(handle), (0,) * 4)
    if failed:
        yield "a faulty row of its memory could not be replaced"
    if pending:
        yield "a faulty row of its memory is replaced only when the GPU is reset"


def _uncorrected_errors(handle: Any) -> int:
    kind, since = pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, pynvml.NVML_VOLATILE_ECC
    return int(pynvml.nvmlDeviceGetTotalEccErrors(handle, kind, since))


def _optional(ask: Callable[[], Answer], default: Answer) -> Answer:
    try:
        return ask()
    except _ABSENT:
        return default


def _ask(what: str, ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except pynvml.NVMLError as error:
        raise DeviceFailure(f"NVML: {what}: {error}") from error
