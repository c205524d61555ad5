"""What the drivers need of a runtime, real or simulated."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from executor.actions import RuntimeAction
from executor.events import Event

Sink: TypeAlias = Callable[[Event], None]
"""Takes the events of a runtime; called in the order in which things happened."""


class Runtime(Protocol):
    """Carries out actions on instances; every outcome comes back as an event, never as a value.

    ``submit`` returns at once and raises nothing: what cannot be done is an event too
    (``InstanceGone``, ``LoadFailed``, ``Failed``). Each action is answered exactly once;
    ``InstanceGone`` answers all that are open on its instance. All actions are idempotent: what is
    already so is answered as if just done.
    """

    def submit(self, action: RuntimeAction) -> None:
        """Begin to carry out an action."""


class LiveRuntime(Runtime, Protocol):
    """A runtime with real processes: opened on a running asyncio loop, closed when done."""

    async def open(self, sink: Sink) -> None:
        """Start; events go to ``sink`` on the loop's thread."""

    async def close(self) -> None:
        """Stop every instance and wait until nothing of them is left."""

    def memory_bytes(self) -> dict[str, int]:
        """Return what each instance holds by its control group, if it has one on this machine."""
