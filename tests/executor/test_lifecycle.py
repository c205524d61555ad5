import math

from executor.domain import Instance
from executor.lifecycle import Lifecycle
from executor.state import State
from predictors.keepalive.fixed import AlwaysOn, FixedKeepAlive, NoKeepAlive
from predictors.keepalive.protocol import KeepAlivePolicy, Lifetime
from tests.executor.worlds import function, idle_instance, state

F, G = function("f"), function("g")


class Prewarming(FixedKeepAlive):
    """Removes an instance at once and wants it back after 100 s, for 20 s."""

    def __init__(self) -> None:
        super().__init__(20.0)

    def lifetime(self, function: int, at_s: float, *, rented: bool = False) -> Lifetime:
        return Lifetime(self.keep_alive_s, prewarm_after_s=100.0)


def world(policy: KeepAlivePolicy) -> tuple[State, Lifecycle, Instance]:
    here = state(F, G, worker_mib=2000)
    lifecycle = Lifecycle(policy, here, 0.5)
    return here, lifecycle, idle_instance(here, "f")


def test_an_idle_instance_expires_after_the_policys_time() -> None:
    _, lifecycle, instance = world(FixedKeepAlive(60.0))
    assert lifecycle.turned_idle(instance, 10.0)
    assert lifecycle.next_s() == 70.0
    assert lifecycle.expired(69.9) == []
    assert lifecycle.expired(70.0) == [instance]
    assert lifecycle.next_s() == math.inf


def test_a_call_takes_the_date_away() -> None:
    _, lifecycle, instance = world(FixedKeepAlive(60.0))
    lifecycle.turned_idle(instance, 10.0)
    lifecycle.taken(instance)
    assert lifecycle.next_s() == math.inf
    assert lifecycle.expired(1000.0) == []


def test_survival_is_the_part_of_the_horizon_that_is_certain() -> None:
    _, lifecycle, instance = world(FixedKeepAlive(60.0))
    lifecycle.turned_idle(instance, 0.0)
    assert lifecycle.survival(instance.id, 10.0, 20.0) == 1.0
    assert lifecycle.survival(instance.id, 55.0, 20.0) == 0.25
    assert lifecycle.survival(instance.id, 61.0, 20.0) == 0.0


def test_without_keep_alive_an_instance_goes_at_once() -> None:
    _, lifecycle, instance = world(NoKeepAlive())
    assert not lifecycle.turned_idle(instance, 10.0)


def test_always_on_keeps_one_and_asks_for_what_is_missing() -> None:
    _, lifecycle, instance = world(AlwaysOn())
    assert lifecycle.turned_idle(instance, 10.0)
    assert lifecycle.expired(1e9) == []
    assert lifecycle.missing("f") == 0
    assert lifecycle.missing("g") == 1
    assert lifecycle.eviction_rank(instance.id) == math.inf


def test_a_prewarming_comes_due_unless_a_call_comes_first() -> None:
    _, lifecycle, instance = world(Prewarming())
    assert not lifecycle.turned_idle(instance, 10.0)
    assert lifecycle.next_s() == 110.0
    assert [(one.function, one.keep_alive_s) for one in lifecycle.due(110.0)] == [("f", 20.0)]
    lifecycle.turned_idle(instance, 200.0)
    lifecycle.arrived("f", 250.0)
    assert lifecycle.due(1000.0) == []


def test_an_instance_created_ahead_lives_by_the_answer_that_asked_for_it() -> None:
    here, lifecycle, _ = world(Prewarming())
    ahead = here.create("w", "f", 110.0)
    lifecycle.created_ahead(ahead.id, 20.0)
    assert lifecycle.turned_idle(here.ready(ahead.id, 0, 110.5), 110.5)
    assert lifecycle.next_s() == 130.5


def test_the_least_recently_used_goes_first_under_a_fixed_policy() -> None:
    here, lifecycle, first = world(FixedKeepAlive(60.0))
    second = idle_instance(here, "g", at_s=5.0)
    assert lifecycle.eviction_rank(first.id) < lifecycle.eviction_rank(second.id)
