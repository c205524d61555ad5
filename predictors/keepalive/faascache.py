"""Keep-alive as caching, with Greedy-Dual eviction.

Source: Fuerst and Sharma, "FaasCache: Keeping Serverless Computing Alive with Greedy-Dual Caching",
ASPLOS 2021, section 4.
"""

from predictors.keepalive.base import BasePolicy
from predictors.keepalive.protocol import INF, FunctionTraits, Lifetime


class FaasCache(BasePolicy):
    """Nothing expires; under memory pressure the function of least priority loses an instance.

    ``priority = clock + frequency x cost / size``, set at each call of the function and shared by
    all its instances. The clock is a logical one: it takes the priority of the last victim, so that
    functions that are no longer called fall behind. The frequency counts calls since the function's
    first instance and begins anew when its last one goes. Cost is the time that an instance saves
    (warming, library and model load), size its memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self._clock = 0.0
        self._frequency: list[int] = []
        self._priority: list[float] = []

    def add(self, traits: FunctionTraits) -> int:
        """Take a new function in and return its index."""
        self._frequency.append(0)
        self._priority.append(0.0)
        return super().add(traits)

    def observe(self, function: int, at_s: float) -> None:  # noqa: ARG002
        """Raise the priority of the function."""
        traits = self._traits[function]
        self._frequency[function] += 1
        worth = self._frequency[function] * traits.start_s / traits.memory_bytes
        self._priority[function] = self._clock + worth

    def lifetime(self, function: int, at_s: float, *, rented: bool = False) -> Lifetime:  # noqa: ARG002
        """Keep every instance for ever."""
        return Lifetime(INF)

    def eviction_priority(self, function: int, idle_since_s: float) -> float:  # noqa: ARG002
        """Return the function's priority."""
        return self._priority[function]

    def removed(self, function: int, *, evicted: bool, left: int) -> None:
        """Move the clock on to a victim's priority; forget the frequency with the last instance."""
        if evicted:
            self._clock = max(self._clock, self._priority[function])
        if left == 0:
            self._frequency[function] = 0
