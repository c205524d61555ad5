"""Instances that may use a GPU: which of their functions are there, and on whose account."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from executor.errors import InsufficientCapacity
from executor.gpu.keeper import Keeper


@dataclass(slots=True)
class Place:
    """An instance on a GPU.

    ``placed`` are the functions on it or on the way there, with what they have reserved; those that
    are ``leaving`` are on the way back, or are being taken away. ``orders`` counts the loads and
    runs of each function that the instance has still to answer or to start.
    """

    instance_id: str
    gpu: str
    keeper: Keeper
    placed: dict[str, int] = field(default_factory=dict)
    leaving: set[str] = field(default_factory=set)
    orders: Counter[str] = field(default_factory=Counter)

    def has(self, function: str) -> bool:
        """Whether a function is there, or on the way, to stay."""
        return function in self.placed and function not in self.leaving

    def admit(self, function: str, need_bytes: int, others: Collection[str] = ()) -> bool:
        """Reserve memory for a function, and say whether there was enough.

        ``others`` are functions of the instance that will be gone before the function loads.
        """
        if self.has(function):
            return True
        if self.keeper.fault(self.gpu):
            return False
        try:
            ledger = self.keeper.ledger
            ledger.reserve(self.gpu, self.instance_id, function, need_bytes, others)
        except InsufficientCapacity:
            return False
        self.leave(*others)
        self.leaving.discard(function)
        self.placed[function] = need_bytes
        return True

    def take_over(self, function: str, size_bytes: int) -> None:
        """Take in a function that is there already."""
        self.placed[function] = size_bytes
        self.keeper.ledger.take_over(self.gpu, self.instance_id, function, size_bytes)

    def answered(self, function: str) -> None:
        """Count a load as answered or a run as started; a killed server's were not counted."""
        self.orders[function] = max(0, self.orders[function] - 1)

    def leave(self, *functions: str) -> None:
        """Note that functions have been told to go, as far as they are there."""
        self.leaving |= self.placed.keys() & set(functions)

    def settle(self, function: str) -> None:
        """Note that a function has arrived."""
        if function in self.placed:
            self.keeper.ledger.settle(self.gpu, self.instance_id, function)

    def release(self, function: str) -> bool:
        """Give back what a function has reserved, now that it is gone; False if there is nothing.

        While another load or run of it is on its way to the instance, it is for that one.
        """
        if self.orders[function]:
            return False
        self.placed.pop(function, None)
        self.leaving.discard(function)
        return self.keeper.ledger.release(self.gpu, self.instance_id, function)

    def left(self, function: str) -> None:
        """Give back what a function has reserved, but for what CUDA keeps for its process."""
        if function in self.leaving:
            self.leaving.discard(function)
            keeps_bytes = min(self.placed.pop(function), self.keeper.settings.context_bytes)
            self.keeper.ledger.settle(self.gpu, self.instance_id, function, keeps_bytes)

    def bytes_without(self, function: str) -> int:
        """Return what the instance may hold once a function has left."""
        reserved_bytes = self.keeper.ledger.reserved_bytes(self.gpu, self.instance_id)
        others_bytes = reserved_bytes - self.placed[function]
        return others_bytes + self.keeper.settings.context_bytes


class Places:
    """All instances on the GPUs of a runtime."""

    def __init__(self, keepers: Mapping[str, Keeper]) -> None:
        self._keepers = keepers
        self._places: dict[str, Place] = {}

    def add(self, worker: str, instance_id: str, gpu: str) -> None:
        """Take in an instance; one of a worker without GPUs has none."""
        if worker in self._keepers:
            place = Place(instance_id, gpu, self._keepers[worker])
            self._places.setdefault(instance_id, place)

    def get(self, instance_id: str) -> Place | None:
        """Return an instance; None for one without a GPU."""
        return self._places.get(instance_id)

    def pop(self, instance_id: str) -> Place | None:
        """Give back all that an instance has reserved, which is gone."""
        place = self._places.pop(instance_id, None)
        if place is not None:
            place.keeper.ledger.forget(place.gpu, instance_id)
        return place

    def on(self, gpu: str) -> Iterator[Place]:
        """Iterate over the instances on a GPU."""
        return (place for place in self._places.values() if place.gpu == gpu)

    def is_leaving(self, instance_id: str, function: str) -> bool:
        """Say whether a function is on its way off a GPU."""
        place = self._places.get(instance_id)
        return place is not None and function in place.leaving

    def budgets(self) -> dict[str, int]:
        """Return what our functions may hold of each GPU together."""
        placed: Counter[str] = Counter()
        for place in self._places.values():
            placed[place.gpu] += sum(place.placed.values())
        return {
            gpu: size
            for keeper in self._keepers.values()
            for gpu, size in keeper.budgets(placed).items()
        }
