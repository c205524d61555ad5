"""Which instance a call counts for."""

import math

from executor.accounts import Accounts
from executor.actions import Run
from executor.domain import Instance, StartKind, Tier
from executor.lifecycle import Lifecycle
from executor.state import State
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
    policy: type[FixedKeepAlive] = FixedKeepAlive,
) -> tuple[State, Lifecycle, Accounts, Instance, Instance]:
    """Two idle instances, the older of which would serve every call if nothing were loaded."""
    here = state(F, G, worker_mib=3000)
    lifecycle = Lifecycle(policy(KEEP_S), here, 0.5)
    accounts = Accounts(here, lifecycle, warm_keeps_model=True)
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
