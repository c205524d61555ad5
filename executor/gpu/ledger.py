"""Who has how much of each GPU's memory: reserved before a load, reconciled with what is seen."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from executor.errors import InsufficientCapacity
from executor.gpu.usage import Account, Usage


@dataclass(frozen=True, slots=True)
class Holding:
    """GPU memory that a function in an instance may take.

    ``settled`` says that its load is over, so that it takes no more than is seen of it. What is
    ``leaving`` makes room for the one that is ``incoming``, which does not load before.
    """

    instance_id: str
    function: str
    reserved_bytes: int
    settled: bool = False
    leaving: bool = False
    incoming: bool = False


@dataclass(slots=True)
class _Account:
    usage: Usage
    instance_bytes: dict[str, int | None] = field(default_factory=dict)
    holdings: dict[tuple[str, str], Holding] = field(default_factory=dict)


class Ledger:
    """The accounts of all GPUs.

    What other programs hold is never ours to give. While a load is under way, what is seen of it
    may count as theirs besides being reserved: the error is on the safe side. Where the driver does
    not tell what a process holds, loaded functions are taken to hold what they had reserved.

    Parameters
    ----------
    margin_bytes
        Kept free on each GPU, for what CUDA allocates without asking and for other programs.
    """

    def __init__(self, margin_bytes: int) -> None:
        self._margin_bytes = margin_bytes
        self._accounts: dict[str, _Account] = {}

    def reconcile(self, gpu: str, usage: Usage, instances: Mapping[str, Collection[int]]) -> None:
        """Take in what a GPU was measured to hold.

        Parameters
        ----------
        instances
            The processes of each of our instances that may use the GPU.
        """
        account = self._accounts.setdefault(gpu, _Account(usage))
        account.usage = usage
        account.instance_bytes = {
            name: _held_bytes(usage, pids) for name, pids in instances.items()
        }

    def foreign_bytes(self, gpu: str) -> int:
        """Return what programs other than our functions hold."""
        account = self._accounts[gpu]
        ours = sum(_seen_bytes(account, one) for one in account.instance_bytes)
        return max(0, account.usage.used_bytes - ours)

    def budget_bytes(self, gpu: str) -> int:
        """Return what all our functions on a GPU may hold together."""
        usage = self._accounts[gpu].usage
        taken = usage.reserved_bytes + self.foreign_bytes(gpu) + self._margin_bytes
        return max(0, usage.total_bytes - taken)

    def free_bytes(self, gpu: str) -> int:
        """Return what is neither held nor reserved."""
        account = self._accounts[gpu]
        instances = {*account.instance_bytes, *(key[0] for key in account.holdings)}
        charged = sum(_charged_bytes(account, one) for one in instances)
        return max(0, self.budget_bytes(gpu) - charged)

    def reserve(
        self,
        gpu: str,
        instance_id: str,
        function: str,
        size_bytes: int,
        leaving: Collection[str] = (),
    ) -> None:
        """Reserve memory for a load; what the function had reserved before is given back.

        Parameters
        ----------
        leaving
            Functions of the instance that will be gone before the load begins, which may have
            their memory; until they are released no other instance may.

        Raises
        ------
        InsufficientCapacity
            If there is less; then nothing has changed.
        """
        account = self._accounts[gpu]
        mine = _of(account, instance_id)
        staying = [one for one in mine if one.function not in {function, *leaving}]
        staying_bytes = sum(one.reserved_bytes for one in staying)
        going_bytes = _charged_bytes(account, instance_id) - staying_bytes
        if len(staying) == len(mine):
            going_bytes = 0
        free_bytes = min(self.free_bytes(gpu) + max(0, going_bytes), self.budget_bytes(gpu))
        if size_bytes > free_bytes:
            raise InsufficientCapacity(
                f"{function} needs {size_bytes} bytes of GPU {gpu}; {free_bytes} are free"
            )
        for one in mine:
            if one.function in leaving:
                account.holdings[instance_id, one.function] = replace(one, leaving=True)
        incoming = Holding(instance_id, function, size_bytes, incoming=True)
        account.holdings[instance_id, function] = incoming

    def take_over(self, gpu: str, instance_id: str, function: str, size_bytes: int) -> None:
        """Note what a function holds already, whether there was room for it or not."""
        holding = Holding(instance_id, function, size_bytes, settled=True)
        self._accounts[gpu].holdings[instance_id, function] = holding

    def settle(
        self, gpu: str, instance_id: str, function: str, keeps_bytes: int | None = None
    ) -> None:
        """Note that a load is over, or (``keeps_bytes``) that so much is left of it."""
        holdings = self._accounts[gpu].holdings
        key = instance_id, function
        size_bytes = holdings[key].reserved_bytes if keeps_bytes is None else keeps_bytes
        holdings[key] = Holding(instance_id, function, size_bytes, settled=True)

    def release(self, gpu: str, instance_id: str, function: str) -> bool:
        """Give a reservation back, if there is one; what is still seen stays charged."""
        return self._accounts[gpu].holdings.pop((instance_id, function), None) is not None

    def forget(self, gpu: str, instance_id: str) -> None:
        """Give back all that an instance has reserved, which is gone."""
        account = self._accounts[gpu]
        for one in _of(account, instance_id):
            del account.holdings[instance_id, one.function]
        account.instance_bytes.pop(instance_id, None)

    def reserved_bytes(self, gpu: str, instance_id: str | None = None) -> int:
        """Return what is reserved, by all instances or by one."""
        holdings = self._accounts[gpu].holdings.values()
        return sum(one.reserved_bytes for one in holdings if instance_id in (None, one.instance_id))

    def account(self, gpu: str, fault: str) -> Account:
        """Sum up a GPU that has a fault, empty for none."""
        usage = self._accounts[gpu].usage
        foreign_bytes = self.foreign_bytes(gpu)
        return Account(
            total_bytes=usage.total_bytes,
            ours_bytes=max(0, usage.used_bytes - foreign_bytes),
            reserved_bytes=self.reserved_bytes(gpu),
            foreign_bytes=foreign_bytes,
            free_bytes=self.free_bytes(gpu),
            fault=fault,
        )

    def seen_bytes(self, gpu: str, instance_id: str) -> int | None:
        """Return what an instance was last seen to hold; None where the driver does not tell."""
        return self._accounts[gpu].instance_bytes.get(instance_id, 0)


def _charged_bytes(account: _Account, instance_id: str) -> int:
    """Charge what is seen, and reservations in full until their loads are over."""
    seen_bytes = _seen_bytes(account, instance_id)
    mine = _of(account, instance_id)
    if seen_bytes and all(one.settled for one in mine):
        return seen_bytes
    going_bytes = sum(one.reserved_bytes for one in mine if one.leaving)
    coming_bytes = sum(one.reserved_bytes for one in mine if one.incoming)
    reserved_bytes = sum(one.reserved_bytes for one in mine)
    return max(seen_bytes, reserved_bytes - min(going_bytes, coming_bytes))


def _seen_bytes(account: _Account, instance_id: str) -> int:
    seen_bytes = account.instance_bytes.get(instance_id, 0)
    if seen_bytes is not None:
        return seen_bytes
    return sum(one.reserved_bytes for one in _of(account, instance_id) if one.settled)


def _of(account: _Account, instance_id: str) -> list[Holding]:
    return [one for one in account.holdings.values() if one.instance_id == instance_id]


def _held_bytes(usage: Usage, pids: Collection[int]) -> int | None:
    sizes = [usage.process_bytes[pid] for pid in pids if pid in usage.process_bytes]
    return None if None in sizes else sum(size for size in sizes if size is not None)
