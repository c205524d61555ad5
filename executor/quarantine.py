"""Back-off for functions that fail to load: tried again after ever longer pauses."""

from dataclasses import dataclass

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0


@dataclass(frozen=True)
class Ban:
    """Why and until when a function is left alone."""

    error: str
    failures: int
    until_s: float


class Quarantine:
    """The functions whose last load failed; a good load clears the record."""

    def __init__(self) -> None:
        self._bans: dict[str, Ban] = {}

    def failed(self, function: str, error: str, at_s: float) -> Ban:
        """Note a failure; each one in a row doubles the pause."""
        failures = self._bans[function].failures + 1 if function in self._bans else 1
        pause_s = min(FIRST_PAUSE_S * 2 ** (failures - 1), LONGEST_PAUSE_S)
        self._bans[function] = Ban(error, failures, at_s + pause_s)
        return self._bans[function]

    def cleared(self, function: str) -> None:
        """Note that the function has loaded."""
        self._bans.pop(function, None)

    def ban(self, function: str, at_s: float) -> Ban | None:
        """Return the ban in force, or None."""
        ban = self._bans.get(function)
        return ban if ban is not None and at_s < ban.until_s else None

    def banned(self, at_s: float) -> set[str]:
        """Name the functions that are left alone now."""
        return {name for name, ban in self._bans.items() if at_s < ban.until_s}

    def record(self, function: str) -> Ban | None:
        """Return the last failure since the last good load, also when its pause is over."""
        return self._bans.get(function)
