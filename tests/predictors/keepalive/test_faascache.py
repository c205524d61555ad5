"""Greedy-Dual priorities worked out by hand."""

import math

import pytest

from predictors.keepalive.faascache import FaasCache
from tests.predictors.keepalive.traits import traits


def policy() -> FaasCache:
    made = FaasCache()
    made.add(traits(memory_bytes=100, start_s=2.0))
    made.add(traits(memory_bytes=400, start_s=2.0))
    return made


def test_priority_is_clock_plus_frequency_times_cost_over_size() -> None:
    cache = policy()
    cache.observe(0, 1.0)
    cache.observe(1, 2.0)
    cache.observe(1, 3.0)
    assert cache.eviction_priority(0, 1.0) == pytest.approx(1 * 2.0 / 100)
    assert cache.eviction_priority(1, 3.0) == pytest.approx(2 * 2.0 / 400)


def test_the_clock_takes_the_priority_of_the_victim() -> None:
    cache = policy()
    cache.observe(0, 1.0)
    cache.observe(1, 2.0)
    cache.removed(1, evicted=True, left=1)
    assert cache.eviction_priority(0, 1.0) == pytest.approx(0.02)
    cache.observe(0, 4.0)
    assert cache.eviction_priority(0, 4.0) == pytest.approx(0.005 + 2 * 0.02)


def test_the_frequency_begins_anew_when_the_last_instance_goes() -> None:
    cache = policy()
    for at_s in range(5):
        cache.observe(0, float(at_s))
    cache.removed(0, evicted=False, left=1)
    cache.observe(0, 5.0)
    assert cache.eviction_priority(0, 5.0) == pytest.approx(6 * 0.02)
    cache.removed(0, evicted=True, left=0)
    cache.observe(0, 6.0)
    assert cache.eviction_priority(0, 6.0) == pytest.approx(6 * 0.02 + 1 * 0.02)


def test_only_evictions_move_the_clock() -> None:
    cache = policy()
    cache.observe(0, 1.0)
    cache.removed(0, evicted=False, left=0)
    cache.observe(1, 2.0)
    assert cache.eviction_priority(1, 2.0) == pytest.approx(0.005)


def test_what_victims_made_room_for_starts_by_the_clock_that_they_moved() -> None:
    cache = policy()
    cache.observe(0, 1.0)
    cache.observe(1, 2.0)
    cache.removed(0, evicted=True, left=0)
    assert cache.eviction_priority(1, 2.0) == pytest.approx(0.005)
    cache.cold_started(1, 3.0)
    assert cache.eviction_priority(1, 2.0) == pytest.approx(0.02 + 1 * 0.005)


def test_the_clock_never_goes_back() -> None:
    cache = policy()
    cache.observe(0, 1.0)
    cache.observe(1, 2.0)
    cache.removed(0, evicted=True, left=0)
    cache.removed(1, evicted=True, left=0)
    cache.observe(1, 3.0)
    assert cache.eviction_priority(1, 3.0) == pytest.approx(0.02 + 0.005)


def test_a_call_that_waited_while_the_last_instance_went_is_the_first_again() -> None:
    cache = policy()
    cache.observe(0, 1.0)
    cache.observe(0, 2.0)
    cache.removed(0, evicted=False, left=0)
    cache.cold_started(0, 3.0)
    assert cache.eviction_priority(0, 3.0) == pytest.approx(1 * 0.02)


def test_instances_never_expire() -> None:
    assert math.isinf(policy().lifetime(0, 1.0).keep_alive_s)
