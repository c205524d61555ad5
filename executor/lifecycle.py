"""Timers of the keep-alive policy: when idle instances expire and when new ones are due.

The policy alone decides; pre-loading is never asked and never told.
"""

import math
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from executor.domain import Function, Instance, InstanceState
from executor.state import State
from predictors.keepalive.protocol import FunctionTraits, KeepAlivePolicy

RECONSIDER_S = 60.0
"""An expired instance that the policy's target still needs is looked at again after this long."""


@dataclass(frozen=True, slots=True, order=True)
class Prewarm:
    """An instance to create ahead of a call, and how long it then idles."""

    at_s: float
    function: str
    keep_alive_s: float


class Lifecycle:
    """Follows the instances of a state and keeps the dates that the policy has set."""

    def __init__(self, policy: KeepAlivePolicy, state: State) -> None:
        self._policy = policy
        self._state = state
        self._expires_s: dict[str, float] = {}
        self._keep_alive_s: dict[str, float] = {}
        self._expiries: list[tuple[float, str]] = []
        self._prewarms: list[Prewarm] = []
        for function in state.functions.values():
            policy.add(_traits(function))

    def arrived(self, function: str, at_s: float) -> None:
        """Note a call; it makes a pre-warming that was planned for its function needless."""
        self._policy.observe(self._state.index[function], at_s)
        if any(one.function == function for one in self._prewarms):
            self._prewarms = [one for one in self._prewarms if one.function != function]
            heapify(self._prewarms)

    def created_for_call(self, function: str, at_s: float) -> None:
        """Note that a call found no instance and has one created."""
        self._policy.cold_started(self._state.index[function], at_s)

    def created_ahead(self, instance_id: str, keep_alive_s: float) -> None:
        """Note that an instance is being created ahead of a call."""
        self._keep_alive_s[instance_id] = keep_alive_s

    def turned_idle(self, instance: Instance, at_s: float) -> bool:
        """Set the date of an instance that has turned idle; False when it shall go at once."""
        ahead_s = self._keep_alive_s.pop(instance.id, None)
        if ahead_s is not None:
            self._set_expiry(instance.id, at_s + ahead_s)
            return True
        lifetime = self._policy.lifetime(self._state.index[instance.function], at_s)
        if lifetime.prewarm_after_s > 0:
            due_s = at_s + lifetime.prewarm_after_s
            heappush(self._prewarms, Prewarm(due_s, instance.function, lifetime.keep_alive_s))
            return self._needed(instance)
        self._set_expiry(instance.id, at_s + lifetime.keep_alive_s)
        return lifetime.keep_alive_s > 0 or self._needed(instance)

    def taken(self, instance_id: str) -> None:
        """Note that an instance serves a call: it has no date meanwhile."""
        self._expires_s.pop(instance_id, None)

    def removed(self, instance: Instance, *, evicted: bool) -> None:
        """Note that an instance is gone."""
        self._expires_s.pop(instance.id, None)
        self._keep_alive_s.pop(instance.id, None)
        left = sum(one.function == instance.function for one in self._state.instances.values())
        index = self._state.index[instance.function]
        self._policy.removed(index, evicted=evicted, left=left)

    def expired(self, at_s: float) -> list[Instance]:
        """Take out the idle instances whose date has come."""
        found = []
        while self._expiries and self._expiries[0][0] <= at_s:
            due_s, instance_id = heappop(self._expiries)
            instance = self._state.instances.get(instance_id)
            if instance is None or self._expires_s.get(instance_id) != due_s:
                continue
            if self._needed(instance):
                self._set_expiry(instance_id, at_s + RECONSIDER_S)
                continue
            del self._expires_s[instance_id]
            found.append(instance)
        return found

    def due(self, at_s: float) -> list[Prewarm]:
        """Take out the pre-warmings whose date has come."""
        found = []
        while self._prewarms and self._prewarms[0].at_s <= at_s:
            found.append(heappop(self._prewarms))
        return found

    def missing(self, function: str) -> int:
        """How many idle instances of a function the policy wants beyond those there are."""
        return max(0, -self._surplus(function))

    def next_s(self) -> float:
        """When the next date comes; infinite when there is none."""
        while self._expiries and self._expires_s.get(self._expiries[0][1]) != self._expiries[0][0]:
            heappop(self._expiries)
        expiry_s = self._expiries[0][0] if self._expiries else math.inf
        return min(expiry_s, self._prewarms[0].at_s if self._prewarms else math.inf)

    def survival(self, instance_id: str, at_s: float, horizon_s: float) -> float:
        """Chance that an idle instance outlives the horizon: the share of it that is certain."""
        left_s = self._expires_s.get(instance_id, math.inf) - at_s
        return min(1.0, max(0.0, left_s / horizon_s))

    def eviction_rank(self, instance_id: str) -> float:
        """Rank an idle instance under memory pressure: the lowest goes first."""
        instance = self._state.instances[instance_id]
        if self._needed(instance):
            return math.inf
        index = self._state.index[instance.function]
        return self._policy.eviction_priority(index, instance.since_s)

    def _needed(self, instance: Instance) -> bool:
        """Whether the policy wants so many idle instances that this one must stay."""
        return self._surplus(instance.function) <= 0

    def _surplus(self, function: str) -> int:
        """Idle and starting instances of a function beyond the policy's target."""
        mine = [
            one
            for one in self._state.of_owner(self._state.functions[function].owner)
            if one.function == function and one.state is not InstanceState.STOPPING
        ]
        busy = sum(one.state is InstanceState.BUSY for one in mine)
        return len(mine) - busy - self._policy.idle_target(self._state.index[function], busy)

    def _set_expiry(self, instance_id: str, at_s: float) -> None:
        self._expires_s[instance_id] = at_s
        if at_s < math.inf:
            heappush(self._expiries, (at_s, instance_id))


def _traits(function: Function) -> FunctionTraits:
    profile = function.profile
    return FunctionTraits(
        memory_bytes=function.memory_limit_bytes,
        start_s=profile.ready_s,
        kind="python",
        packages=frozenset() if function.library is None else frozenset({function.library}),
    )
