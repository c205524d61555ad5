"""Which instance a call counts for, so that pre-loading creates and prolongs none.

Pre-loading sends calls to where their function is, and so keeps more instances in use than a policy
would see without it. Hence a call counts where it would have run without: among the instances for
which no other call counts, in the one in which the last call to count has left its function, else
one with its library; of several in the oldest of the smallest, those that are rented after the
owner's own and those that are lent last. Where it would have waited for a call to end in another
one instead (``executor/patience.py``) it counts for that, as the next. The instance that did serve
keeps its date.

An instance that is started for a call although another would have been free is extra: it goes when
it idles, unless a call came to count for it because all others were taken.
"""

from collections import defaultdict
from itertools import count

from executor import residencies
from executor.domain import BUSY, IDLE, NOTHING, Function, Instance, StartKind
from executor.lifecycle import Dates, Lifecycle
from executor.patience import Patience
from executor.state import State

_COUNTING = (IDLE, BUSY)


class Accounts:
    """Follows calls and the instances that they count for, which are busy for the policy.

    Where nothing is pre-loaded every call counts for the instance that serves it.
    """

    def __init__(
        self,
        state: State,
        lifecycle: Lifecycle,
        patience: Patience,
        *,
        preloads: bool,
        warm_keeps_model: bool,
    ) -> None:
        self._state = state
        self._lifecycle = lifecycle
        self._patience = patience
        self._preloads = preloads
        self._warm_keeps_model = warm_keeps_model
        self._counts_for: dict[str, str] = {}
        self._serving: dict[str, list[str]] = {}  # and where the calls that count for it run
        self._extra: set[str] = set()
        self._dates: dict[str, Dates] = {}
        self._left: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self._libraries: defaultdict[str, set[str]] = defaultdict(set)
        self._numbers = count()

    def created(self, instance: Instance, function: Function, at_s: float) -> None:
        """Note that an instance is started for a call."""
        if self._preloads and any(one.id not in self._serving for one in self._fitting(function)):
            self._extra.add(instance.id)
            self._dates[instance.id] = Dates(expires_s=at_s)

    def taken(self, instance: Instance, function: Function, kind: StartKind, at_s: float) -> None:
        """Note that a call begins in an instance."""
        new = kind is StartKind.COLD and instance.id not in self._extra
        own = instance if new or not self._preloads else self._account(instance, function, at_s)
        self._extra.discard(own.id)
        for one in (instance, own):
            if one.id not in self._dates:
                self._dates[one.id] = self._lifecycle.take_dates(one.id)
        self._lifecycle.taken(instance)
        self._counts_for[instance.id] = own.id
        self._serving.setdefault(own.id, []).append(instance.id)
        self._leave(own, function)

    def turned_idle(self, instance: Instance, at_s: float) -> list[Instance]:
        """Let the policy set the date of the instance that a call counted for; list who goes."""
        own = self._released(instance)
        if own.id in self._extra:
            self._restore(own)
            return []
        self._dates.pop(own.id, None)
        stays = self._lifecycle.turned_idle(own, at_s)
        if own.state is BUSY or own.id in self._serving:
            dates = self._lifecycle.take_dates(own.id)
            self._dates[own.id] = dates if stays else Dates(expires_s=at_s)
        self._restore(instance)
        return [] if stays or own.state is BUSY else [own]

    def gone(self, instance: Instance) -> None:
        """Forget an instance; one that its call counted for has its old date back."""
        own = self._released(instance)
        if own is not instance and own.state is IDLE:
            self._restore(own)
        self._serving.pop(instance.id, None)
        self._extra.discard(instance.id)
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
        """Choose an instance for a call as is done where nothing is pre-loaded.

        One that would have been started is where the call runs.
        """
        left, libraries = self._left, self._libraries
        fitting = self._fitting(function)
        free = [one for one in fitting if one.id not in self._serving]
        loaded = [one for one in free if function.name in left.get(one.id, ())]
        forking = [one for one in free if function.library in libraries.get(one.id, ())]
        if not loaded:
            awaited = self._awaited(fitting, function, at_s, bare=not forking)
            if awaited is not None:
                return awaited
        chosen = loaded or forking or free
        if len(chosen) == 1:
            return chosen[0]
        return max(chosen, key=lambda one: self._rank(one, function, at_s), default=instance)

    def _fitting(self, function: Function) -> list[Instance]:
        """List the instances that there would be for a function, in use or free."""
        need_bytes, extra = function.memory_limit_bytes, self._extra
        return [
            one
            for one in self._state.of_owner(function.owner)
            if one.state in _COUNTING and one.limit_bytes >= need_bytes and one.id not in extra
        ]

    def _awaited(
        self, fitting: list[Instance], function: Function, at_s: float, *, bare: bool
    ) -> Instance | None:
        """Return the instance whose call a call would have waited for; one waits for each."""
        best, best_run = None, None
        for one in fitting:
            forks = bare and function.library in self._libraries.get(one.id, ())
            serving = self._serving.get(one.id, ())
            if len(serving) != 1 or not (forks or self._warm_keeps_model):
                continue
            running = self._state.instances[serving[0]]
            run = self._patience.sooner(function, running, at_s, forks=forks)
            if run is not None and (best_run is None or run < best_run):
                best, best_run = one, run
        return best

    def _rank(self, instance: Instance, function: Function, at_s: float) -> tuple[int, ...]:
        """Rank instances with the same in them for a call; those that would be lent come last."""
        id_ = instance.id
        number = self._left.get(id_, NOTHING).get(function.name, 0)
        dates = self._dates.get(id_)
        from_s = self._lifecycle.lent_from_s(id_) if dates is None else dates.lent_from_s
        return from_s > at_s, not instance.rented, -instance.limit_bytes, -number

    def _released(self, instance: Instance) -> Instance:
        """Free the instance that a call counted for; the one it ran in when that is gone."""
        own_id = self._counts_for.pop(instance.id, None)
        if own_id is None:
            return instance
        serving = self._serving.get(own_id, [])
        if serving == [instance.id]:
            del self._serving[own_id]
        elif serving:
            serving.remove(instance.id)
        own = self._state.instances.get(own_id)
        if own is not None and own.state in _COUNTING:
            return own
        self._extra.discard(instance.id)
        return instance

    def _restore(self, instance: Instance) -> None:
        """Give an idle instance its date back, unless a call counts for it."""
        if instance.id in self._dates and instance.id not in self._serving:
            self._lifecycle.restore(instance.id, self._dates.pop(instance.id))
