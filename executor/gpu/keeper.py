"""The GPUs of a worker: measured, their memory accounted for, their faults known."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from executor.errors import PermanentFailure
from executor.gpu.daemons import Daemons
from executor.gpu.ledger import Ledger
from executor.gpu.usage import Account, Device, DeviceFailure, Gauge, Usage

GRAIN_BYTES = 16 * 1024 * 1024
"""Budgets are told in steps of this size: a change of one brings a new plan."""


@dataclass(frozen=True, slots=True)
class GpuSettings:
    """Which GPUs a worker has, all when none is named, and what stays free of them.

    ``context_bytes`` is what CUDA keeps for a process that has left a GPU.
    """

    devices: tuple[str, ...] | None = None
    reserve_bytes: int = 0
    context_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of GPUs: a measurement of each that answered, a fault of each that has one."""

    usage: Mapping[str, Usage]
    faults: Mapping[str, str]


class Keeper:
    """Keeps the GPUs of one worker.

    Parameters
    ----------
    gauge
        Measures them.
    mps
        The daemons for them; without, processes have them in turns.

    Raises
    ------
    DeviceFailure
        If one of them does not answer.
    """

    def __init__(
        self,
        gauge: Gauge,
        devices: Iterable[Device],
        settings: GpuSettings,
        mps: Daemons | None = None,
    ) -> None:
        self.settings = settings
        self.mps = mps
        self.ledger = Ledger(settings.reserve_bytes)
        self._gauge = gauge
        self._devices = {device.uuid: device for device in devices}
        usage = {uuid: gauge.usage(uuid) for uuid in self._devices}
        self._faults: Mapping[str, str] = {}
        self.take(Look(usage, self.look().faults), {})

    @property
    def gpus(self) -> list[str]:
        """Return the names of the GPUs."""
        return list(self._devices)

    async def prepare(self, gpu: str | None, owner: str) -> None:
        """Have what an owner's instance needs for its GPU, before it starts.

        Raises
        ------
        TemporaryFailure
            If an MPS daemon does not start.
        """
        if gpu is not None and self.mps is not None:
            await self.mps.ready(gpu, owner)

    def variables(self, gpu: str | None, owner: str) -> dict[str, str]:
        """Return what shows an instance its GPU alone; one without sees none."""
        if gpu is not None and self.mps is not None:
            return self.mps.variables(gpu, owner)
        return {"CUDA_VISIBLE_DEVICES": gpu or ""}

    def look(self) -> Look:
        """Measure all GPUs; touches nothing else, so that another thread may do it."""
        usage, faults = {}, {}
        for uuid, device in self._devices.items():
            fault = self._gauge.fault(device)
            try:
                usage[uuid] = self._gauge.usage(uuid)
            except DeviceFailure as error:
                fault = fault or str(error)
            if fault:
                faults[uuid] = fault
        return Look(usage, faults)

    def take(self, look: Look, pids: Mapping[str, Mapping[str, Collection[int]]]) -> None:
        """Take in what was seen.

        Parameters
        ----------
        pids
            The processes of each of our instances that may use a GPU, by GPU.
        """
        self._faults = look.faults
        for gpu, usage in look.usage.items():
            self.ledger.reconcile(gpu, usage, pids.get(gpu, {}))

    def measure(self, gpu: str, pids: Mapping[str, Collection[int]]) -> None:
        """Measure one GPU and take in what is seen.

        Raises
        ------
        DeviceFailure
            If it does not answer.
        """
        self.ledger.reconcile(gpu, self._gauge.usage(gpu), pids)

    def fault(self, gpu: str) -> str:
        """Say why nothing should be loaded on a GPU; empty when it is well."""
        return self._faults.get(gpu, "")

    def held_bytes(self, gpu: str, pids: Collection[int]) -> int | None:
        """Measure what processes hold of a GPU now; None where the driver does not tell."""
        held = self._gauge.usage(gpu).process_bytes
        sizes = [held[pid] for pid in pids if pid in held]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def budgets(self, placed_bytes: Mapping[str, int]) -> dict[str, int]:
        """Return what our functions may hold of each GPU together: nothing of one with a fault.

        Parameters
        ----------
        placed_bytes
            What functions that are on a GPU, or on the way there, have reserved of it.
        """
        return {
            gpu: 0 if self.fault(gpu) else self._budget_bytes(gpu, placed_bytes.get(gpu, 0))
            for gpu in self._devices
        }

    def accounts(self) -> dict[str, Account]:
        """Sum up each GPU."""
        return {gpu: self.ledger.account(gpu, self.fault(gpu)) for gpu in self._devices}

    def _budget_bytes(self, gpu: str, placed_bytes: int) -> int:
        size_bytes = self.ledger.free_bytes(gpu) + placed_bytes
        return size_bytes - size_bytes % GRAIN_BYTES


def keepers(
    gauge: Gauge, workers: Mapping[str, GpuSettings], mps: Mapping[str, Daemons]
) -> dict[str, Keeper]:
    """Give its GPUs to each worker, and its daemons to each that has any.

    Raises
    ------
    PermanentFailure
        If there is no GPU, or none of a name, or two workers would have the same one.
    DeviceFailure
        If one of them does not answer.
    """
    there = {device.uuid: device for device in gauge.devices()} if workers else {}
    made, given = {}, dict[str, str]()
    for worker, settings in workers.items():
        names = settings.devices if settings.devices is not None else tuple(there)
        for name in names:
            if name not in there:
                raise PermanentFailure(
                    f"worker {worker}: there is no GPU {name}; expected one of {sorted(there)}"
                )
            if name in given:
                raise PermanentFailure(
                    f"GPU {name} is for worker {given[name]} and for worker {worker}; "
                    "expected each GPU to have one worker"
                )
            given[name] = worker
        if not names:
            raise PermanentFailure(f"worker {worker} is to have GPUs; NVML knows of none")
        made[worker] = Keeper(gauge, (there[name] for name in names), settings, mps.get(worker))
    return made
