"""Lending: when, to whom, and for how long."""

import numpy as np

from predictors.keepalive.pagurus import Pagurus
from tests.predictors.keepalive.traits import traits


def policy(*packages: str) -> Pagurus:
    made = Pagurus(np.random.default_rng(1))
    for one in packages:
        made.add(traits(packages=one))
    return made


def test_a_container_is_lent_after_a_minute_while_no_gap_is_known() -> None:
    pagurus = policy("torch")
    pagurus.observe(0, 5.0)
    lifetime = pagurus.lifetime(0, 6.0)
    assert (lifetime.keep_alive_s, lifetime.lend_after_s) == (900.0, 60.0)


def test_a_container_is_lent_after_the_95th_percentile_of_the_gaps() -> None:
    pagurus = policy("torch")
    at_s = 0.0
    pagurus.observe(0, at_s)
    for gap_s in [10.0] * 18 + [20.0, 500.0]:
        at_s += gap_s
        pagurus.observe(0, at_s)
    assert pagurus.lifetime(0, at_s).lend_after_s == 20.0


def test_a_rented_container_is_not_lent_again() -> None:
    pagurus = policy("torch")
    rented = pagurus.lifetime(0, 1.0, rented=True)
    assert (rented.keep_alive_s, rented.lend_after_s) == (900.0, float("inf"))


def test_nobody_is_helped_before_anybody_started_cold() -> None:
    assert policy("torch", "torch").renters(0, 0.0) == ()


def test_eight_of_the_forty_most_similar_are_helped() -> None:
    alike = ["torch numpy"] * 40
    pagurus = policy("torch numpy", *alike, *["flask"] * 60)
    for function in range(101):
        pagurus.cold_started(function, 0.0)
    helped = pagurus.renters(0, 0.0)
    assert len(set(helped)) == 8
    assert all(1 <= one <= 40 for one in helped)


def test_those_that_start_cold_most_are_helped_most() -> None:
    pagurus = policy(*["torch"] * 41)
    for _ in range(10_000):
        pagurus.cold_started(7, 0.0)
    for function in range(41):
        pagurus.cold_started(function, 0.0)
    assert 7 in pagurus.renters(0, 0.0)


def test_the_draw_holds_for_half_an_hour() -> None:
    pagurus = policy(*["torch"] * 41)
    for function in range(41):
        pagurus.cold_started(function, 0.0)
    first = pagurus.renters(0, 0.0)
    assert pagurus.renters(0, 1799.0) == first
    assert pagurus.renters(0, 1800.0) != first
