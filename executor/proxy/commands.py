"""What the machine wants done; carried out in order by the manager."""

from dataclasses import dataclass
from typing import TypeAlias

from .outcomes import Outcome
from .residency import Tier


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start a process for a function; answered by ``ready`` or ``exited``."""

    function: str


@dataclass(frozen=True, slots=True)
class Move:
    """Tell a function to go to a tier; answered by ``moved``, ``stayed`` or ``exited``."""

    function: str
    tier: Tier


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill a function's process; answered by ``exited``."""

    function: str


@dataclass(frozen=True, slots=True)
class Drop:
    """End the process that holds a library for the functions; answered by ``dropped``."""

    library: str


@dataclass(frozen=True, slots=True)
class Send:
    """Give a call's request to a function's process; answered by ``answered`` or ``exited``."""

    function: str
    call: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the clients."""

    outcome: Outcome


Command: TypeAlias = Spawn | Move | Kill | Drop | Send | Tell
