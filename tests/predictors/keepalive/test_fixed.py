"""Policies that learn nothing."""

import math

from predictors.keepalive.fixed import AlwaysOn, NoKeepAlive
from predictors.keepalive.openwhisk import OpenWhisk
from predictors.keepalive.protocol import FunctionTraits, Lifetime, StemCell

TRAITS = FunctionTraits(memory_bytes=1 << 30, start_s=2.0)


def test_openwhisk_keeps_ten_minutes_and_evicts_the_least_recently_used() -> None:
    policy = OpenWhisk(stem_cells=[StemCell("python:3", 256 << 20, 2)])
    first, second = policy.add(TRAITS), policy.add(TRAITS)
    assert (first, second) == (0, 1)
    assert policy.lifetime(first, 12.0) == Lifetime(keep_alive_s=600.0)
    assert policy.eviction_priority(first, 10.0) < policy.eviction_priority(second, 11.0)
    assert policy.stem_cells() == (StemCell("python:3", 268435456, 2),)


def test_floor_and_ceiling() -> None:
    floor, ceiling = NoKeepAlive(), AlwaysOn()
    for policy in (floor, ceiling):
        policy.add(TRAITS)
    assert floor.lifetime(0, 5.0).keep_alive_s == 0.0
    assert floor.idle_target(0, busy=0) == 0
    assert math.isinf(ceiling.lifetime(0, 5.0).keep_alive_s)
    assert ceiling.idle_target(0, busy=0) == 1
    assert ceiling.idle_target(0, busy=1) == 0
