"""Which instance a call counts for."""

import math
from dataclasses import replace

from executor.accounts import Accounts
from executor.actions import Run
from executor.backlog import Backlog
from executor.domain import Function, Instance, InstanceState, Invocation, Profile, StartKind, Tier
from executor.lifecycle import Lifecycle
from executor.patience import Patience
from executor.state import State
from executor.units import MIB
from predictors.keepalive.fixed import FixedKeepAlive
from predictors.keepalive.protocol import Lifetime
from tests.executor.worlds import function, hold, idle_instance, state

F, G = function("f"), function("g")
KEEP_S = 60.0


class Lending(FixedKeepAlive):
    """Lends what idles half a minute."""

    def lifetime(self, function: int, at_s: float, *, rented: bool = False) -> Lifetime:
        return Lifetime(self.keep_alive_s, lend_after_s=30.0)


def world(
    policy: type[FixedKeepAlive] = FixedKeepAlive, *, preloads: bool = True
) -> tuple[State, Lifecycle, Accounts, Instance, Instance]:
    """Two idle instances, the older of which would serve every call if nothing were loaded."""
    here = state(F, G, worker_mib=3000)
    lifecycle = Lifecycle(policy(KEEP_S), here, 0.5)
    patience = Patience(here, Backlog(), warm_keeps_model=True)
    accounts = Accounts(here, lifecycle, patience, preloads=preloads, warm_keeps_model=True)
    old, new = idle_instance(here, "f"), idle_instance(here, "f")
    assert accounts.turned_idle(old, 0.0) == accounts.turned_idle(new, 0.0) == []
    return here, lifecycle, accounts, old, new


def begin(here: State, accounts: Accounts, instance: Instance, at_s: float) -> None:
    accounts.taken(here.instances[instance.id], F, StartKind.HOST, at_s)
    here.run(Run(f"c{at_s}", instance.id, "f", Tier.HOST, 600.0), at_s)


def end(here: State, accounts: Accounts, instance: Instance, at_s: float) -> list[Instance]:
    return accounts.turned_idle(here.idle(instance.id, at_s), at_s)


def expired(lifecycle: Lifecycle, at_s: float) -> list[str]:
    return [one.id for one in lifecycle.expired(at_s)]


def test_a_call_of_what_was_loaded_ahead_prolongs_the_instance_that_would_have_served_it() -> None:
    here, lifecycle, accounts, old, new = world()
    hold(here, new.id, "f")
    begin(here, accounts, new, 50.0)
    assert lifecycle.next_s() == math.inf
    end(here, accounts, new, 55.0)
    assert expired(lifecycle, KEEP_S) == [new.id]
    assert expired(lifecycle, 55.0 + KEEP_S) == [old.id]


def test_an_instance_whose_date_passed_during_a_call_goes_after_it() -> None:
    here, lifecycle, accounts, _, new = world()
    hold(here, new.id, "f")
    begin(here, accounts, new, 50.0)
    assert expired(lifecycle, 65.0) == []
    end(here, accounts, new, 70.0)
    assert lifecycle.next_s() == KEEP_S
    assert expired(lifecycle, 70.0) == [new.id]


def test_calls_at_once_count_for_as_many_instances() -> None:
    here, lifecycle, accounts, old, new = world()
    hold(here, new.id, "f")
    begin(here, accounts, new, 50.0)
    begin(here, accounts, old, 50.5)
    end(here, accounts, new, 55.0)
    end(here, accounts, old, 56.0)
    assert expired(lifecycle, 55.0 + KEEP_S) == [old.id]
    assert expired(lifecycle, 56.0 + KEEP_S) == [new.id]


def test_what_an_earlier_call_has_left_counts_where_it_is() -> None:
    here, lifecycle, accounts, old, new = world()
    accounts.taken(here.instances[new.id], F, StartKind.COLD, 1.0)
    here.run(Run("first", new.id, "f", Tier.HOST, 600.0), 1.0)
    end(here, accounts, new, 2.0)
    begin(here, accounts, new, 50.0)
    end(here, accounts, new, 55.0)
    assert expired(lifecycle, KEEP_S) == [old.id]
    assert expired(lifecycle, 55.0 + KEEP_S) == [new.id]


def test_when_an_instance_dies_what_its_call_counted_for_has_its_date_back() -> None:
    here, lifecycle, accounts, old, new = world()
    hold(here, new.id, "f")
    begin(here, accounts, new, 50.0)
    dead = here.gone(new.id)
    assert dead is not None
    accounts.gone(dead)
    assert expired(lifecycle, KEEP_S) == [old.id]


def test_when_what_a_call_counts_for_has_gone_it_counts_where_it_runs() -> None:
    here, lifecycle, accounts, old, new = world()
    hold(here, new.id, "f")
    begin(here, accounts, new, 50.0)
    gone = here.gone(old.id)
    assert gone is not None
    accounts.gone(gone)
    end(here, accounts, new, 55.0)
    assert expired(lifecycle, 55.0 + KEEP_S) == [new.id]


def test_a_call_counts_for_a_lent_instance_after_those_that_are_not() -> None:
    here, lifecycle, accounts, old, new = world(Lending)
    accounts.turned_idle(new, 25.0)
    hold(here, old.id, "f")
    begin(here, accounts, old, 45.0)
    end(here, accounts, old, 50.0)
    assert expired(lifecycle, KEEP_S) == [old.id]
    assert expired(lifecycle, 50.0 + KEEP_S) == [new.id]


def test_one_that_serves_a_call_of_anothers_account_stays_lent_to_the_accounts() -> None:
    here, lifecycle, accounts, old, new = world(Lending)
    third = idle_instance(here, "f", 25.0)
    accounts.turned_idle(new, 25.0)
    accounts.turned_idle(third, 25.0)
    hold(here, old.id, "f")
    begin(here, accounts, old, 45.0)
    begin(here, accounts, third, 46.0)
    end(here, accounts, old, 50.0)
    end(here, accounts, third, 51.0)
    assert expired(lifecycle, KEEP_S) == [old.id]
    assert expired(lifecycle, 51.0 + KEEP_S) == [new.id, third.id]


def test_without_preloading_every_call_counts_where_it_runs() -> None:
    here, lifecycle, accounts, old, new = world(preloads=False)
    hold(here, new.id, "f")
    begin(here, accounts, new, 50.0)
    end(here, accounts, new, 55.0)
    assert expired(lifecycle, KEEP_S) == [old.id]
    assert expired(lifecycle, 55.0 + KEEP_S) == [new.id]


def started(here: State, accounts: Accounts, at_s: float) -> Instance:
    made = here.create("w", "f", at_s)
    accounts.created(made, F, at_s)
    return here.ready(made.id, 0, at_s)


def test_an_instance_started_although_another_would_be_free_goes_when_it_idles() -> None:
    here, lifecycle, accounts, old, new = world()
    begin(here, accounts, new, 50.0)
    extra = started(here, accounts, 51.0)
    begin(here, accounts, extra, 52.0)
    assert end(here, accounts, extra, 55.0) == []
    assert expired(lifecycle, 55.0) == [extra.id]
    assert end(here, accounts, new, 56.0) == []
    assert expired(lifecycle, 55.0 + KEEP_S) == [new.id]
    assert expired(lifecycle, 56.0 + KEEP_S) == [old.id]


def test_so_does_one_for_which_there_is_no_call_any_more() -> None:
    here, lifecycle, accounts, _, new = world()
    begin(here, accounts, new, 50.0)
    extra = started(here, accounts, 51.0)
    assert accounts.turned_idle(extra, 51.5) == []
    assert expired(lifecycle, 51.5) == [extra.id]


def test_an_extra_instance_stays_if_all_others_are_taken_when_it_serves() -> None:
    here, lifecycle, accounts, old, new = world()
    begin(here, accounts, new, 50.0)
    extra = started(here, accounts, 51.0)
    begin(here, accounts, old, 51.5)
    begin(here, accounts, extra, 52.0)
    end(here, accounts, extra, 55.0)
    assert lifecycle.next_s() == 55.0 + KEEP_S
    assert expired(lifecycle, 55.0 + KEEP_S) == [extra.id]


def test_an_instance_started_when_none_would_be_free_stays() -> None:
    here, lifecycle, accounts, old, new = world()
    begin(here, accounts, new, 50.0)
    begin(here, accounts, old, 50.0)
    needed = started(here, accounts, 51.0)
    accounts.turned_idle(needed, 51.5)
    assert lifecycle.next_s() == 51.5 + KEEP_S


class Sharing:
    """Three idle instances; calls take some two seconds, and the library, of which the oldest has
    one, three to import."""

    def __init__(self) -> None:
        forked = Profile(0.03, 0.02, 100 * MIB, library_bytes=200 * MIB)
        self.function: Function = replace(F, profile=forked, library="torch")
        self.state = state(self.function, worker_mib=3000)
        self.lifecycle = Lifecycle(FixedKeepAlive(KEEP_S), self.state, 0.5)
        self.backlog = Backlog()
        self.patience = Patience(self.state, self.backlog, warm_keeps_model=False)
        self.accounts = Accounts(
            self.state, self.lifecycle, self.patience, preloads=True, warm_keeps_model=False
        )
        self.instances = [idle_instance(self.state, "f").id for _ in range(3)]
        for one in self.instances:
            self.accounts.turned_idle(self.state.instances[one], 0.0)
        self.patience.started(self.function, StartKind.WARM, 3.0)
        self.patience.ended("f", 2.0)
        self.begin(0, 1.0)
        self.end(0, 3.0)

    def begin(self, place: int, at_s: float) -> None:
        instance = self.state.instances[self.instances[place]]
        call = self.backlog.open(Invocation(f"c{at_s}", "f", at_s, at_s + 60.0))
        self.backlog.dispatch(call, instance.id, StartKind.HOST, at_s)
        self.accounts.taken(instance, self.function, StartKind.HOST, at_s)
        self.state.run(Run(call.invocation.id, instance.id, "f", Tier.HOST, 600.0), at_s)

    def end(self, place: int, at_s: float) -> None:
        instance = self.state.instances[self.instances[place]]
        call = self.backlog.get(instance.invocation or "")
        assert call is not None
        self.backlog.close(call)
        self.accounts.turned_idle(self.state.idle(instance.id, at_s), at_s)

    def dates(self) -> list[float]:
        """When each instance goes, in their order."""
        found: dict[str, float] = {}
        while (at_s := self.lifecycle.next_s()) < math.inf:
            found |= {one.id: at_s for one in self.lifecycle.expired(at_s)}
        assert all(self.state.instances[one].state is InstanceState.IDLE for one in self.instances)
        return [found[one] for one in self.instances]


def test_a_call_that_would_have_waited_counts_for_the_instance_with_its_library() -> None:
    here = Sharing()
    here.begin(0, 10.0)
    here.begin(1, 11.0)
    here.end(0, 12.0)
    assert here.lifecycle.next_s() == KEEP_S
    here.end(1, 13.0)
    assert here.dates() == [13.0 + KEEP_S, KEEP_S, KEEP_S]


def test_only_one_call_would_have_waited_for_each() -> None:
    here = Sharing()
    for place in range(3):
        here.begin(place, 10.0 + place / 2)
    for place in range(3):
        here.end(place, 12.0 + place)
    assert here.dates() == [13.0 + KEEP_S, 14.0 + KEEP_S, KEEP_S]


def test_no_call_would_have_waited_longer_than_its_library_is_imported() -> None:
    here = Sharing()
    for _ in range(20):
        here.patience.ended("f", 9.0)
    here.begin(0, 10.0)
    here.begin(1, 11.0)
    here.end(0, 19.0)
    here.end(1, 20.0)
    assert here.dates() == [19.0 + KEEP_S, 20.0 + KEEP_S, KEEP_S]
