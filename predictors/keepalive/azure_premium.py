"""The Premium plan of Azure Functions.

Source: Microsoft, "Azure Functions Premium plan" (learn.microsoft.com, articles *Always ready
instances* and *Prewarmed instances*): a number of instances is always ready whether there are calls
or not; when all of those are at work a prewarmed instance, by default one, stands by as a buffer
and is replaced as soon as it is used. All instances are billed at all times. How long an instance
beyond those idles before it is taken away is not documented.
"""

from predictors.keepalive.fixed import FixedKeepAlive

ALWAYS_READY = 1
PREWARMED = 1
SCALE_IN_S = 600.0
"""Idle time of an instance beyond the documented ones; ours, as long as OpenWhisk's."""


class AzurePremium(FixedKeepAlive):
    """Always-ready instances of each function, and a buffer while all of them serve calls."""

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
        """Require the rest of the always-ready ones, or the buffer once those are at work."""
        if busy < max(1, self.always_ready):
            return max(0, self.always_ready - busy)
        return self.prewarmed
