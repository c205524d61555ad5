"""Which instance a call counts for, so that pre-loading prolongs none.

Pre-loading sends calls to where their function is, and so keeps more instances in use than a policy
would see without it. Hence a call counts where it would have run without: in the instance in which
the last call to count has left its function, else one with its library; of several in the oldest of
the smallest, those that are rented after the owner's own and those that are lent last, of those for
which no other call counts meanwhile. The instance that did serve keeps its date.
"""

from collections import defaultdict
from itertools import count

from executor import residencies
from executor.domain import BUSY, IDLE, NOTHING, Function, Instance, StartKind
from executor.lifecycle import Dates, Lifecycle
from executor.state import State

_COUNTING = (IDLE, BUSY)


class Accounts:
    """Follows calls and the instances that they count for, which are busy for the policy."""

    def __init__(self, state: State, lifecycle: Lifecycle, *, warm_keeps_model: bool) -> None:
        self._state = state
        self._lifecycle = lifecycle
        self._warm_keeps_model = warm_keeps_model
        self._counts_for: dict[str, str] = {}
        self._serving: set[str] = set()
        self._dates: dict[str, Dates] = {}
        self._left: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._libraries: defaultdict[str, set[str]] = defaultdict(set)
        self._numbers = count()

    def taken(self, instance: Instance, function: Function, kind: StartKind, at_s: float) -> None:
        """Note that a call begins in an instance."""
        own = instance if kind is StartKind.COLD else self._account(instance, function, at_s)
        for one in (instance, own):
            if one.id not in self._dates:
                self._dates[one.id] = self._lifecycle.take_dates(one.id)
        self._lifecycle.taken(instance)
        self._counts_for[instance.id] = own.id
        self._serving.add(own.id)
        self._leave(own, function)

    def turned_idle(self, instance: Instance, at_s: float) -> list[Instance]:
        """Let the policy set the date of the instance that a call counted for; list who goes."""
        own = self._released(instance)
        self._dates.pop(own.id, None)
        stays = self._lifecycle.turned_idle(own, at_s)
        if own.state is BUSY:
            dates = self._lifecycle.take_dates(own.id)
            self._dates[own.id] = dates if stays else Dates(expires_s=at_s)
        self._restore(instance)
        return [] if stays or own.state is BUSY else [own]

    def gone(self, instance: Instance) -> None:
        """Forget an instance; one that its call counted for has its old date back."""
        own = self._released(instance)
        if own is not instance and own.state is IDLE:
            self._restore(own)
        self._serving.discard(instance.id)
        self._dates.pop(instance.id, None)
        self._left.pop(instance.id, None)
        self._libraries.pop(instance.id, None)

    def _leave(self, own: Instance, function: Function) -> None:
        """Note what the instance would have in it after a call, and since which number of calls."""
        if function.library is not None and function.profile.library_bytes:
            self._libraries[own.id].add(function.library)
        if self._warm_keeps_model:
            left = self._left[own.id]
            kept = residencies.kept(function, left, self._state.functions)
            number = left.get(function.name, next(self._numbers))
            self._left[own.id] = {name: left[name] for name in kept} | {function.name: number}

    def _account(self, instance: Instance, function: Function, at_s: float) -> Instance:
        """Choose an instance for a call as routing does where nothing is pre-loaded."""
        need_bytes, serving = function.memory_limit_bytes, self._serving
        free = [
            one
            for one in self._state.of_owner(function.owner)
            if one.state in _COUNTING and one.id not in serving and one.limit_bytes >= need_bytes
        ]
        left, libraries = self._left, self._libraries
        chosen = (
            [one for one in free if function.name in left.get(one.id, ())]
            or [one for one in free if function.library in libraries.get(one.id, ())]
            or free
        )
        return max(chosen, key=lambda one: self._rank(one, function, at_s), default=instance)

    def _rank(self, instance: Instance, function: Function, at_s: float) -> tuple[int, ...]:
        """Rank instances with the same in them for a call."""
        number = self._left.get(instance.id, NOTHING).get(function.name, 0)
        lent = self._lent(instance.id, at_s)
        return not lent, not instance.rented, -instance.limit_bytes, -number

    def _lent(self, instance_id: str, at_s: float) -> bool:
        """Whether an instance, idle or at work on a call of another's account, would be lent."""
        dates = self._dates.get(instance_id)
        from_s = self._lifecycle.lent_from_s(instance_id) if dates is None else dates.lent_from_s
        return from_s <= at_s

    def _released(self, instance: Instance) -> Instance:
        """Free the instance that a call counted for; the one it ran in when that is gone."""
        own_id = self._counts_for.pop(instance.id, instance.id)
        self._serving.discard(own_id)
        own = self._state.instances.get(own_id)
        return own if own is not None and own.state in _COUNTING else instance

    def _restore(self, instance: Instance) -> None:
        """Give an idle instance its date back, unless a call counts for it."""
        if instance.id in self._dates and instance.id not in self._serving:
            self._lifecycle.restore(instance.id, self._dates.pop(instance.id))
