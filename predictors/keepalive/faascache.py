"""Keep-alive as caching, with Greedy-Dual eviction.

Source: Fuerst and Sharma, "FaasCache: Keeping Serverless Computing Alive with Greedy-Dual Caching",
ASPLOS 2021, and the authors' simulator (github.com/aFuerst/faascache-sim,
``code/split/LambdaScheduler.py``).
"""

from predictors.keepalive.base import BasePolicy
from predictors.keepalive.protocol import INF, FunctionTraits, Lifetime


class FaasCache(BasePolicy):
    """Nothing expires; under memory pressure the function of least priority loses an instance.

    ``priority = clock + frequency x cost / size``, set at each call of the function and shared by
    all its instances. The clock is a logical one: it takes the priority of the last victim, so that
    functions that are no longer called fall behind; an instance that victims made room for starts
    by the clock that they have moved. The frequency counts calls since the function's first
    instance and begins anew when its last one goes (in the simulator each instance takes the calls
    that it served with it). Cost is the time that an instance saves (warming, library and model
    load), size its memory.
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
        self._frequency[function] += 1
        self._set_priority(function)

    def cold_started(self, function: int, at_s: float) -> None:  # noqa: ARG002
        """Set the priority by the present clock, which victims may have moved since the call."""
        self._frequency[function] = max(1, self._frequency[function])
        self._set_priority(function)

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

    def _set_priority(self, function: int) -> None:
        traits = self._traits[function]
        worth = self._frequency[function] * traits.start_s / traits.memory_bytes
        self._priority[function] = self._clock + worth
