"""What an instance holds, and the steps that change it: each is written down as a command.

When a step is due is decided by the machine.
"""

from .commands import Command, Drop, Kill, Move, Send, Spawn, Tell
from .outcomes import Loaded, Outcome
from .residency import Need, Removal, Residency, State, Tier
from .shelf import Shelf


class Holdings:
    """The residencies and libraries of an instance, and the commands that have not been taken.

    Parameters
    ----------
    room_bytes
        What all may hold together.
    """

    def __init__(self, room_bytes: int) -> None:
        self.residencies: dict[str, Residency] = {}
        self.shelf = Shelf(room_bytes, self.residencies)
        self._commands: list[Command] = []

    def staying(self) -> dict[str, Residency]:
        """Return those that are not on their way out."""
        held = self.residencies.items()
        return {name: one for name, one in held if one.state is not State.OFFLOADING}

    def expendable(self, used: str | None) -> list[str]:
        """Order those that stay: idle ones first, large before small, the one in use last."""

        def rank(function: str) -> tuple[bool, bool, int]:
            held = self.residencies[function]
            return function == used, held.state is State.LOADING, -held.memory_bytes

        return sorted(self.staying(), key=rank)

    def take_commands(self) -> list[Command]:
        """Hand the commands out, in order."""
        commands, self._commands = self._commands, []
        return commands

    def tell(self, outcome: Outcome) -> None:
        """Tell the clients."""
        self._commands.append(Tell(outcome))

    def tell_loaded(self, function: str) -> None:
        """Tell the clients that a function is where it shall be, once for each load."""
        held = self.residencies[function]
        while held.loads:
            held.loads -= 1
            held.known = True
            assert held.report is not None
            self.tell(Loaded(function, held.tier, held.report))

    def spawn(self, function: str, need: Need) -> Residency:
        """Begin to load a function."""
        self.shelf.put(need)
        held = self.residencies[function] = Residency(need.memory_bytes, need.library)
        self._commands.append(Spawn(function))
        return held

    def send(self, function: str, call: str) -> None:
        """Give a function the request of a call."""
        held = self.residencies[function]
        held.step(State.RUNNING)
        held.known = True
        self._commands.append(Send(function, call))

    def move(self, function: str, tier: Tier) -> None:
        """Begin to move a function to another tier."""
        self.residencies[function].step(State.MOVING)
        self._commands.append(Move(function, tier))

    def remove(self, function: str, removal: Removal) -> None:
        """Begin to take a function away."""
        self.residencies[function].remove(removal)
        self._commands.append(Kill(function))

    def clear(self, removal: Removal) -> None:
        """Begin to take all functions away."""
        for function in self.staying():
            self.remove(function, removal)

    def drop_unused(self, wanted: str = "") -> None:
        """Begin to drop the libraries that no residency uses, but for the one that is wanted."""
        for library in self.shelf.unused(wanted):
            self.shelf.libraries[library].leaving = True
            self._commands.append(Drop(library))

    def measured(self, memory_bytes: dict[str, int], library_bytes: dict[str, int]) -> None:
        """Fold what functions and libraries were measured to hold."""
        for function, size_bytes in memory_bytes.items():
            self.residencies[function].memory_bytes = size_bytes
        for library, size_bytes in library_bytes.items():
            self.shelf.libraries[library].memory_bytes = size_bytes
