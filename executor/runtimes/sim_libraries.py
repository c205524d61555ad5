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

    def make_room(self, functions_bytes: int, wanted: SimLibrary, used: Collection[str]) -> bool:
        """Let the unused libraries go if functions and the wanted one need it; say whether any did.

        Parameters
        ----------
        functions_bytes
            What all functions hold, that which is about to be loaded included.
        wanted
            The library of that one.
        used
            Names of the libraries of the others.
        """
        libraries = {name: one.memory_bytes for name, (one, _) in self._held.items()}
        libraries[wanted.name] = wanted.memory_bytes
        if functions_bytes + sum(libraries.values()) <= self._room_bytes:
            return False
        unused = [name for name in self._held if name != wanted.name and name not in used]
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
