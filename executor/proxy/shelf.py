"""The libraries in an instance, and how much of its memory is taken: part of the machine."""

from collections.abc import Mapping

from .residency import Library, Need, Residency, State


class Shelf:
    """Memory of an instance: residencies, and the libraries that they share.

    A library stays when its last function has gone, since it makes the next load cheap, and goes
    when its room is needed.

    Parameters
    ----------
    room_bytes
        What residencies and libraries may hold together.
    residencies
        Those of the machine, by function.
    """

    def __init__(self, room_bytes: int, residencies: Mapping[str, Residency]) -> None:
        self.libraries: dict[str, Library] = {}
        self._room_bytes = room_bytes
        self._residencies = residencies

    @property
    def excess_bytes(self) -> int:
        """What is held beyond the room, not counting what is on its way out."""
        staying = [lib.memory_bytes for lib in self.libraries.values() if not lib.leaving]
        return self._held_bytes(leaving=False) + sum(staying) - self._room_bytes

    def put(self, need: Need) -> None:
        """Take in the library of a function that is about to be loaded."""
        if need.library and need.library not in self.libraries:
            self.libraries[need.library] = Library(need.library_bytes)

    def fits(self, need: Need) -> bool:
        """Whether a function fits beside all that is still there."""
        if need.library in self.libraries and self.libraries[need.library].leaving:
            return False
        held = self._held_bytes() + sum(lib.memory_bytes for lib in self.libraries.values())
        return held + self._added_bytes(need) <= self._room_bytes

    def shortage_bytes(self, need: Need) -> int:
        """Return what a function lacks once all has gone that is leaving or unused."""
        used = {held.library for held in self._staying()} | {need.library}
        libraries = sum(lib.memory_bytes for key, lib in self.libraries.items() if key in used)
        held = self._held_bytes(leaving=False) + libraries
        return max(0, held + self._added_bytes(need) - self._room_bytes)

    def unused(self, wanted: str = "") -> list[str]:
        """Name the libraries that no residency uses, but the one that is ``wanted``."""
        used = {held.library for held in self._residencies.values()} | {wanted}
        return [
            name for name, lib in self.libraries.items() if name not in used and not lib.leaving
        ]

    def waits(self) -> bool:
        """Whether a library is on its way out."""
        return any(lib.leaving for lib in self.libraries.values())

    def _added_bytes(self, need: Need) -> int:
        shared = 0 if need.library in self.libraries else need.library_bytes
        return need.memory_bytes + shared

    def _held_bytes(self, *, leaving: bool = True) -> int:
        held = self._residencies.values() if leaving else self._staying()
        return sum(one.memory_bytes for one in held)

    def _staying(self) -> list[Residency]:
        return [one for one in self._residencies.values() if one.state is not State.OFFLOADING]
