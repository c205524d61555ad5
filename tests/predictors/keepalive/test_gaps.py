"""The percentile of gaps, window by window."""

from predictors.keepalive.gaps import Gaps


def observe(gaps: Gaps, window: int, *gaps_s: float) -> None:
    at_s = 900.0 * window
    gaps.observe(at_s, window)
    for gap_s in gaps_s:
        at_s += gap_s
        gaps.observe(at_s, window)


def gaps() -> Gaps:
    return Gaps(share=0.95, first_s=60.0)


def test_of_twenty_gaps_the_nineteenth_smallest_holds_from_the_next_window_on() -> None:
    known = gaps()
    observe(known, 0, *[30.0] * 17, 200.0, 20.0, 40.0)
    assert known.percentile_s(0) == 60.0
    assert known.percentile_s(1) == 40.0


def test_of_forty_gaps_it_is_the_thirty_eighth_smallest() -> None:
    known = gaps()
    observe(known, 0, *[float(gap_s) for gap_s in range(40, 0, -1)])
    assert known.percentile_s(1) == 38.0


def test_with_fewer_than_21_calls_in_a_window_the_last_one_holds() -> None:
    known = gaps()
    observe(known, 0, *[1.0] * 19)
    assert known.percentile_s(1) == 60.0
    observe(known, 1, *[2.0] * 20)
    observe(known, 2, *[3.0] * 19)
    assert known.percentile_s(3) == 2.0


def test_a_gap_that_spans_two_windows_counts_in_neither() -> None:
    known = gaps()
    observe(known, 0, *[1.0] * 10)
    observe(known, 1, *[1.0] * 10)
    assert known.percentile_s(2) == 60.0


def test_what_was_called_often_and_then_not_at_all_keeps_its_percentile() -> None:
    known = gaps()
    observe(known, 0, *[5.0] * 20)
    assert known.percentile_s(7) == 5.0
