"""The Premium plan of Azure Functions.

Source: Microsoft, "Azure Functions Premium plan" (learn.microsoft.com, articles *Always ready
instances* and *Prewarmed instances*): a number of instances is always ready whether there are calls
or not; from the first call on a prewarmed instance, by default one, stands by as a buffer beside
them, and is replaced as soon as it is used; while there is no call none is prewarmed. All instances
are billed at all times. How long an instance beyond those idles before it is taken away is not
documented.
"""

from predictors.keepalive.fixed import FixedKeepAlive

ALWAYS_READY = 1
PREWARMED = 1
SCALE_IN_S = 600.0
"""Idle time of an instance beyond the documented ones; ours, as long as OpenWhisk's."""


class AzurePremium(FixedKeepAlive):
    """Always-ready instances of each function, and a buffer while there are calls."""

    def __init__(
        self,
        always_ready: int = ALWAYS_READY,
        prewarmed: int = PREWARMED,
        scale_in_s: float = SCALE_IN_S,
    ) -> None:
        super().__init__(scale_in_s)
        self.always_ready = always_ready
        self.prewarmed = prewarmed

    def idle_target(self, function: int, busy: int) -> int:  # noqa: ARG002
        """Require the rest of the always-ready ones, and the buffer once one is at work."""
        ready = max(0, self.always_ready - busy)
        return ready + self.prewarmed if busy > 0 else ready
