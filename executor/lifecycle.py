"""Timers of the keep-alive policy: when idle instances expire and when new ones are due.

The policy alone decides; pre-loading is never asked and never told.
"""

import math
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

from executor.domain import NOBODY, Function, Instance
from executor.state import State
from predictors.keepalive.protocol import FunctionTraits, KeepAlivePolicy, StemCell

RECONSIDER_S = 60.0
"""An expired instance that the policy's target still needs is looked at again after this long."""


@dataclass(frozen=True, slots=True, order=True)
class Prewarm:
    """An instance to create ahead of a call, and how long it then idles."""

    at_s: float
    function: str
    keep_alive_s: float


class Dates(NamedTuple):
    """When an idle instance expires, and from when it is lent to others."""

    expires_s: float = math.inf
    lent_from_s: float = math.inf


class Lifecycle:
    """Follows the instances of a state and keeps the dates that the policy has set.

    Parameters
    ----------
    policy
        Learns of all functions and decides.
    state
        Where the instances are.
    start_s
        Seconds that a container takes to start, for policies that weigh what a start costs.
    """

    def __init__(self, policy: KeepAlivePolicy, state: State, start_s: float) -> None:
        self._policy = policy
        self._state = state
        self._expires_s: dict[str, float] = {}
        self._lent_from_s: dict[str, float] = {}
        self._keep_alive_s: dict[str, float] = {}
        self._expiries: list[tuple[float, str]] = []
        self._prewarms: list[Prewarm] = []
        self._prewarm: dict[str, Prewarm] = {}
        self._unchecked = dict.fromkeys(state.functions)
        for function in state.functions.values():
            policy.add(_traits(function, start_s))

    def arrived(self, function: str, at_s: float) -> None:
        """Note a call; it makes a pre-warming that was planned for its function needless."""
        self._policy.observe(self._state.index[function], at_s)
        self._prewarm.pop(function, None)

    def created_for_call(self, function: str, at_s: float) -> None:
        """Note that a call found no instance and has one started, be it in a rented container."""
        self._policy.cold_started(self._state.index[function], at_s)

    def created_ahead(self, instance_id: str, keep_alive_s: float) -> None:
        """Note that an instance is being created ahead of a call."""
        self._keep_alive_s[instance_id] = keep_alive_s

    def turned_idle(self, instance: Instance, at_s: float) -> bool:
        """Set the date of an instance that has turned idle; False when it shall go at once."""
        if instance.owner == NOBODY:
            return True
        ahead_s = self._keep_alive_s.pop(instance.id, None)
        if ahead_s is not None:
            self._set_expiry(instance.id, at_s + ahead_s)
            return True
        index = self._state.index[instance.function]
        lifetime = self._policy.lifetime(index, at_s, rented=instance.rented)
        if lifetime.prewarm_after_s > 0:
            self._plan(
                Prewarm(at_s + lifetime.prewarm_after_s, instance.function, lifetime.keep_alive_s)
            )
            return self._needed(instance)
        self._set_expiry(instance.id, at_s + lifetime.keep_alive_s)
        if lifetime.lend_after_s < lifetime.keep_alive_s:
            self._lent_from_s[instance.id] = at_s + lifetime.lend_after_s
        return lifetime.keep_alive_s > 0 or self._needed(instance)

    def taken(self, instance: Instance) -> None:
        """Note that an instance serves a call or ends: it has no date any more."""
        self._expires_s.pop(instance.id, None)
        self._lent_from_s.pop(instance.id, None)
        self._unchecked[instance.function] = None

    def take_dates(self, instance_id: str) -> Dates:
        """Take away and return the dates of an instance."""
        expires_s = self._expires_s.pop(instance_id, math.inf)
        return Dates(expires_s, self._lent_from_s.pop(instance_id, math.inf))

    def restore(self, instance_id: str, dates: Dates) -> None:
        """Give an idle instance dates that it had before."""
        if dates.expires_s < math.inf:
            self._set_expiry(instance_id, dates.expires_s)
        if dates.lent_from_s < math.inf:
            self._lent_from_s[instance_id] = dates.lent_from_s

    def removed(self, instance: Instance, *, evicted: bool) -> None:
        """Note that an instance is gone."""
        self.taken(instance)
        self._keep_alive_s.pop(instance.id, None)
        if instance.owner != NOBODY:
            left = self._state.census.existing[instance.function]
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
            one = heappop(self._prewarms)
            if self._prewarm.get(one.function) is one:
                del self._prewarm[one.function]
                found.append(one)
        return found

    def unchecked(self) -> list[str]:
        """Take out the functions, and names of stem cells, that may lack idle instances."""
        if not self._unchecked:
            return []
        names = list(self._unchecked)
        self._unchecked.clear()
        return names

    def check_again(self, function: str) -> None:
        """Name a function, or stem cells, with the next ``unchecked``."""
        self._unchecked[function] = None

    def missing(self, function: str) -> int:
        """How many idle instances of a function the policy wants beyond those there are."""
        return max(0, -self._surplus(function))

    def stem_cells(self) -> tuple[StemCell, ...]:
        """Return the instances of nobody that the policy wants ready."""
        return self._policy.stem_cells()

    def lent_from_s(self, instance_id: str) -> float:
        """From when an idle instance is lent to others; infinite when it is not."""
        return self._lent_from_s.get(instance_id, math.inf)

    def lender(self, function: Function, at_s: float) -> Instance | None:
        """Return an idle instance, longest lent, that the function may rent."""
        index = self._state.index[function.name]
        best: Instance | None = None
        for instance_id, from_s in self._lent_from_s.items():
            instance = self._state.instances[instance_id]
            if from_s > at_s or instance.limit_bytes < function.memory_limit_bytes:
                continue
            if instance.worker not in self._state.answering:
                continue
            if best is not None and from_s >= self._lent_from_s[best.id]:
                continue
            if index in self._policy.renters(self._state.index[instance.function], at_s):
                best = instance
        return best

    def next_s(self) -> float:
        """When the next date comes; infinite when there is none."""
        expiries, prewarms = self._expiries, self._prewarms
        while expiries and self._expires_s.get(expiries[0][1]) != expiries[0][0]:
            heappop(expiries)
        while prewarms and self._prewarm.get(prewarms[0].function) != prewarms[0]:
            heappop(prewarms)
        expiry_s = expiries[0][0] if expiries else math.inf
        return min(expiry_s, prewarms[0].at_s) if prewarms else expiry_s

    def survival(self, instance_id: str, at_s: float, horizon_s: float) -> float:
        """Chance that an idle instance outlives the horizon: the share of it that is certain."""
        left_s = self._expires_s.get(instance_id, math.inf) - at_s
        return min(1.0, max(0.0, left_s / horizon_s))

    def eviction_rank(self, instance_id: str) -> float:
        """Rank an idle instance under memory pressure: the lowest goes first.

        What the policy wants ready goes last, stem cells and demanded instances alike.
        """
        instance = self._state.instances[instance_id]
        if instance.owner == NOBODY or self._needed(instance):
            return math.inf
        index = self._state.index[instance.function]
        return self._policy.eviction_priority(index, instance.since_s)

    def _needed(self, instance: Instance) -> bool:
        """Whether the policy wants so many idle instances that this one must stay."""
        return self._surplus(instance.function) <= 0

    def _surplus(self, function: str) -> int:
        """Idle and starting instances of a function beyond the policy's target."""
        census = self._state.census
        target = self._policy.idle_target(self._state.index[function], census.busy[function])
        return census.spare[function] - target

    def _plan(self, prewarm: Prewarm) -> None:
        """Plan a pre-warming in place of any other of its function."""
        self._prewarm[prewarm.function] = prewarm
        heappush(self._prewarms, prewarm)

    def _set_expiry(self, instance_id: str, at_s: float) -> None:
        self._expires_s[instance_id] = at_s
        if at_s < math.inf:
            heappush(self._expiries, (at_s, instance_id))


def _traits(function: Function, start_s: float) -> FunctionTraits:
    return FunctionTraits(
        memory_bytes=function.memory_limit_bytes,
        start_s=start_s + function.profile.ready_s,
        kind=function.kind,
        packages=frozenset() if function.library is None else frozenset({function.library}),
    )
