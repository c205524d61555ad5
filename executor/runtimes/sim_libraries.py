"""The libraries in a simulated instance, by the rules of the proxy's shelf."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SimLibrary:
    """What functions share in an instance: its name, size, and the seconds until it is imported."""

    name: str
    import_s: float
    memory_bytes: int


class SimLibraries:
    """Libraries are imported once; they stay when unused, and go when their room is needed.

    Parameters
    ----------
    room_bytes
        What functions and libraries may hold together.
    """

    def __init__(self, room_bytes: int) -> None:
        self._room_bytes = room_bytes
        self._held: dict[str, tuple[SimLibrary, float]] = {}

    def ready_s(self, library: SimLibrary, now_s: float) -> float:
        """Return when a library is imported; the import begins now unless it has."""
        return self._held.setdefault(library.name, (library, now_s + library.import_s))[1]

    def has_room(self, functions_bytes: int, wanted: SimLibrary) -> bool:
        """Say whether there is room for functions, a library that is wanted, and all the others."""
        held_bytes = sum([one.memory_bytes for one, _ in self._held.values()])
        wanted_bytes = 0 if wanted.name in self._held else wanted.memory_bytes
        return functions_bytes + held_bytes + wanted_bytes <= self._room_bytes

    def drop_unused(self, used: Collection[str]) -> bool:
        """Let the libraries go that are not used; say whether there were any."""
        unused = [name for name in self._held if name not in used]
        for name in unused:
            del self._held[name]
        return bool(unused)

    def imported(self, now_s: float) -> dict[str, int]:
        """Return the bytes of each library that can be forked from."""
        return {
            name: one.memory_bytes
            for name, (one, ready_s) in self._held.items()
            if ready_s <= now_s
        }
