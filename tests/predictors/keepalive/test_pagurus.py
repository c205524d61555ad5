"""Lending: when, to whom, and for how long."""

from collections import Counter

import numpy as np

from predictors.keepalive.pagurus import Pagurus
from predictors.keepalive.protocol import Lifetime
from tests.predictors.keepalive.traits import traits

HALF_HOUR_S = 1800.0


def policy(*packages: str) -> Pagurus:
    made = Pagurus(np.random.default_rng(1))
    for one in packages:
        made.add(traits(packages=one))
    made.observe(0, 0.0)
    return made


def helped(pagurus: Pagurus, lenders: int, at_s: float) -> Counter[int]:
    """Count by how many of the first functions' lenders each function is helped."""
    return Counter(one for lender in range(lenders) for one in pagurus.renters(lender, at_s))


def test_a_container_is_lent_after_a_minute_while_no_percentile_is_known() -> None:
    pagurus = policy("torch")
    pagurus.observe(0, 5.0)
    assert pagurus.lifetime(0, 6.0) == Lifetime(900.0, lend_after_s=60.0)


def test_a_container_is_lent_after_the_95th_percentile_of_the_last_quarter_hours_gaps() -> None:
    pagurus = policy("torch")
    at_s = 0.0
    for gap_s in [10.0] * 18 + [20.0, 500.0]:
        at_s += gap_s
        pagurus.observe(0, at_s)
    assert pagurus.lifetime(0, 899.0) == Lifetime(900.0, lend_after_s=60.0)
    assert pagurus.lifetime(0, 900.0) == Lifetime(900.0, lend_after_s=20.0)


def test_quarter_hours_count_from_the_first_event() -> None:
    pagurus = Pagurus(np.random.default_rng(1))
    pagurus.add(traits())
    for call in range(21):
        pagurus.observe(0, 1e6 + 10.0 * call)
    assert pagurus.lifetime(0, 1e6 + 899.0).lend_after_s == 60.0
    assert pagurus.lifetime(0, 1e6 + 900.0).lend_after_s == 10.0


def test_a_rented_container_is_not_lent_again() -> None:
    assert policy("torch").lifetime(0, 1.0, rented=True) == Lifetime(900.0)


def test_eight_of_the_forty_most_similar_are_helped() -> None:
    # Cosines with torch + numpy: 1; 1 / sqrt(2); 0.
    pagurus = policy("torch numpy", *["torch numpy"] * 20, *["numpy"] * 20, *["flask"] * 60)
    seen: set[int] = set()
    for half_hour in range(60):
        renters = pagurus.renters(0, half_hour * HALF_HOUR_S)
        assert len(set(renters)) == 8
        seen.update(renters)
    assert seen == set(range(1, 41))


def test_half_of_many_packages_is_less_alike_than_one_of_one() -> None:
    # With torch + numpy + scipy + pillow: two of two 2 / sqrt(8), one of two 1 / sqrt(8).
    pagurus = policy("torch numpy scipy pillow", *["torch numpy"] * 40, *["torch flask"] * 40)
    assert max(pagurus.renters(0, 0.0)) <= 40


def test_what_needs_no_package_is_like_anything() -> None:
    pagurus = policy("torch", *[""] * 40, *["torch flask"] * 40)
    assert max(pagurus.renters(0, 0.0)) <= 40
    assert len(policy("", "torch", "flask").renters(0, 0.0)) == 2


def test_of_fewer_than_eight_others_all_are_helped_and_nobody_without_others() -> None:
    assert sorted(policy("torch", "flask", "torch").renters(1, 0.0)) == [0, 2]
    assert policy("torch").renters(0, 0.0) == ()


def test_before_any_half_hour_has_passed_all_are_helped_alike() -> None:
    pagurus = policy(*["torch"] * 41)
    for _ in range(1000):
        pagurus.cold_started(40, 10.0)
    # Each is helped by eight in forty of the others' lenders: 8 of 40 on average.
    counts = helped(pagurus, 41, 1000.0)
    assert len(counts) == 41
    assert counts[40] < 20


def test_those_that_started_cold_in_the_half_hour_before_are_helped_for_half_an_hour() -> None:
    pagurus = policy(*["torch"] * 41)
    for _ in range(10_000):
        pagurus.cold_started(40, 1799.0)
    assert helped(pagurus, 40, HALF_HOUR_S)[40] == 40
    assert helped(pagurus, 40, 2 * HALF_HOUR_S - 1.0)[40] == 40
    assert helped(pagurus, 40, 2 * HALF_HOUR_S)[40] < 20


def test_cold_starts_are_forgotten_when_no_event_comes_in_the_half_hour_after() -> None:
    pagurus = policy(*["torch"] * 41)
    for _ in range(10_000):
        pagurus.cold_started(40, 10.0)
    assert helped(pagurus, 40, 2 * HALF_HOUR_S + 1.0)[40] < 20


def test_one_cold_start_weighs_as_none_and_two_weigh_double() -> None:
    """With nine others one is left out: by chance alike, or half as often with weight two."""
    left_out: Counter[int] = Counter()
    pagurus = policy(*["torch"] * 10)
    for half_hour in range(1, 2001):
        at_s = half_hour * HALF_HOUR_S
        left_out.update(set(range(1, 10)) - set(pagurus.renters(0, at_s)))
        for function in (1, 2, 2):
            pagurus.cold_started(function, at_s)
    assert abs(left_out[1] - left_out[3]) < 60
    assert left_out[2] < 0.6 * left_out[3]


def test_the_draw_holds_for_half_an_hour() -> None:
    pagurus = policy(*["torch"] * 41)
    first = pagurus.renters(0, 100.0)
    assert pagurus.renters(0, 1799.0) == first
    assert pagurus.renters(0, 1800.0) != first
