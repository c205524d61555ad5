"""What the network sees of a function: its last gaps, its rates, and its minutes of the hour.

All that does not change until the next call is worked out when a call comes, so that a forecast
costs neither logarithms nor exponentials but that of the time waited.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.jit import jit

GAPS = 16
LEAST_GAP_S = 1e-3
RECENCY = 0.8
LEAST_LIKENESS = 0.01
MEMORIES_S = np.array([15.0, 60.0, 300.0, 1800.0, 10800.0])
LEAST_LOG_RATE = -5.0
MINUTES = 60
AHEAD_MINUTES = np.array([1, 2, 5, 10, 30])
UP_TO_A_MINUTE_S = (0.0, 1.0, 2.0, 3.5, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0)
BEYOND_S = (90.0, 120.0, 180.0, 300.0, 450.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21600.0)
KNOTS_S = np.array([*UP_TO_A_MINUTE_S, *BEYOND_S])
INTERVALS = len(KNOTS_S) - 1
WINDOWS = INTERVALS + 2
BEYOND, PAST = INTERVALS, INTERVALS + 1
FINE_S, FINE_END_S = 0.5, 60.0
COARSE_S, COARSE_END_S = 30.0, 3600.0
LONGEST_S = 86400.0
LATEST = 4

KNOWN, MEAN_GAP, VARIATION, GAP_COLUMN = 0, 1, 2, 3
SUMMARY = GAP_COLUMN + LATEST
WAITED, WATCHED, RATE_COLUMN = SUMMARY, SUMMARY + 1, SUMMARY + 2
AHEAD_COLUMN = RATE_COLUMN + len(MEMORIES_S)
WINDOW_COLUMN = AHEAD_COLUMN + len(AHEAD_MINUTES) + 1
SHARES = 4
FEATURES = WINDOW_COLUMN + SHARES * WINDOWS


class Histories(NamedTuple):
    """What is kept of the functions' pasts, one row a function.

    Attributes
    ----------
    known
        int64[n], gaps seen.
    gaps_s
        float32[n, GAPS], the last ones; the newest at ``(known - 1) % GAPS``.
    likeness
        float32[n, GAPS, 2], weights of these gaps by the one and by the two gaps before them.
    summary
        float32[n, SUMMARY], features that change with calls only.
    log_rates
        float32[n, memories], logarithm of the decayed number of calls as of the latest.
    minute_hits
        float32[n, MINUTES + 1], hours in which a minute of the hour had a call; last their sum.
    last_minute
        int64[n], since midnight, of the latest call.
    """

    known: NDArray[np.int64]
    gaps_s: NDArray[np.float32]
    likeness: NDArray[np.float32]
    summary: NDArray[np.float32]
    log_rates: NDArray[np.float32]
    minute_hits: NDArray[np.float32]
    last_minute: NDArray[np.int64]


@jit
def fold(
    functions: NDArray[np.int64],
    at_s: NDArray[np.float64],
    gap_s: NDArray[np.float64],
    histories: Histories,
) -> None:
    """Take arrivals into the histories."""
    known, gaps_s, log_rates = histories.known, histories.gaps_s, histories.log_rates
    for i in range(len(functions)):
        function = functions[i]
        if gap_s[i] < np.inf:
            gaps_s[function, known[function] % GAPS] = max(gap_s[i], LEAST_GAP_S)
            known[function] += 1
            _summarise(gaps_s[function], known[function], histories.summary[function])
            _liken(gaps_s[function], known[function], histories.likeness[function])
        for m in range(len(MEMORIES_S)):
            decayed = log_rates[function, m] - gap_s[i] / MEMORIES_S[m]
            log_rates[function, m] = np.log1p(np.exp(decayed))
        minute = int(at_s[i] // 60.0)
        if minute > histories.last_minute[function]:
            histories.last_minute[function] = minute
            histories.minute_hits[function, minute % MINUTES] += 1.0
            histories.minute_hits[function, MINUTES] += 1.0


@jit
def _log(seconds: float) -> float:
    return float(0.5 * np.log1p(seconds))


@jit
def _summarise(gaps_s: NDArray[np.float32], known: int, summary: NDArray[np.float32]) -> None:
    """Write the number of gaps, their mean, coefficient of variation, and the latest ones."""
    n = min(GAPS, known)
    mean = gaps_s[:n].sum() / n
    spread = 0.0
    for i in range(n):
        spread += (gaps_s[i] - mean) ** 2
    summary[KNOWN] = _log(n)
    summary[MEAN_GAP] = _log(mean)
    summary[VARIATION] = np.sqrt(spread / n) / mean
    for i in range(min(n, LATEST)):
        summary[GAP_COLUMN + i] = _log(gaps_s[(known - 1 - i) % GAPS])


@jit
def _liken(gaps_s: NDArray[np.float32], known: int, likeness: NDArray[np.float32]) -> None:
    """Write weights of each gap, larger if the one or two before it were like the latest."""
    n = min(GAPS, known)
    total_one, total_two = 0.0, 0.0
    for i in range(n):
        place = (known - 1 - i) % GAPS
        one = _ratio(gaps_s, known - 1, i + 1) if i + 1 < n else 0.0
        two = one * _ratio(gaps_s, known - 2, i + 1) if i + 2 < n else 0.0
        likeness[place, 0] = LEAST_LIKENESS + one
        likeness[place, 1] = LEAST_LIKENESS + two
        total_one += likeness[place, 0]
        total_two += likeness[place, 1]
    for place in range(n):
        likeness[place, 0] /= total_one
        likeness[place, 1] /= total_two


@jit
def _ratio(gaps_s: NDArray[np.float32], nth: int, back: int) -> float:
    """Return how alike a gap is to the one so many before it, 0 to 1."""
    one, other = gaps_s[nth % GAPS], gaps_s[(nth - back) % GAPS]
    ratio = min(one, other) / max(one, other)
    return float(ratio * ratio)


@jit
def describe(
    histories: Histories,
    function: int,
    waited_s: float,
    now_s: float,
    watched_s: float,
    row: NDArray[np.float32],
) -> None:
    """Write the features of one function, all of the order of one."""
    row[:] = 0.0
    row[:SUMMARY] = histories.summary[function]
    row[WAITED] = _log(min(waited_s, LONGEST_S))
    row[WATCHED] = _log(min(watched_s, LONGEST_S))
    for m in range(len(MEMORIES_S)):
        log_rate = histories.log_rates[function, m] - waited_s / MEMORIES_S[m]
        row[RATE_COLUMN + m] = 0.4 * (max(log_rate, LEAST_LOG_RATE) - LEAST_LOG_RATE)
    _describe_minutes(histories.minute_hits[function], now_s, watched_s / 3600.0, row)
    _describe_windows(histories, function, waited_s, row)


def _window_table(step_s: float, end_s: float) -> NDArray[np.int64]:
    """Return the interval of ``KNOTS_S`` by steps of time, of which the knots are multiples."""
    return np.searchsorted(KNOTS_S, np.arange(0.0, end_s, step_s), side="right") - 1


FINE = _window_table(FINE_S, FINE_END_S)
COARSE = _window_table(COARSE_S, COARSE_END_S)


@jit
def _window(ahead_s: float) -> int:
    """Return the interval of ``KNOTS_S``, or ``BEYOND`` or ``PAST``."""
    if ahead_s <= 0.0:
        return PAST
    if ahead_s < FINE_END_S:
        return int(FINE[int(ahead_s / FINE_S)])
    if ahead_s < COARSE_END_S:
        return int(COARSE[int(ahead_s / COARSE_S)])
    return BEYOND - 2 + int(ahead_s >= KNOTS_S[-2]) + int(ahead_s >= KNOTS_S[-1])


@jit
def _describe_windows(
    histories: Histories, function: int, waited_s: float, row: NDArray[np.float32]
) -> None:
    """Write where the next call falls if it ends a gap like each known one.

    Four shares of the gaps for each window of time ahead: all alike, the recent ones more, and
    those more that followed one or two gaps like the latest.
    """
    known = histories.known[function]
    n = min(GAPS, known)
    recency = (1.0 - RECENCY) / (1.0 - RECENCY**n) if n > 0 else 0.0
    for i in range(n):
        place = (known - 1 - i) % GAPS
        column = WINDOW_COLUMN + SHARES * _window(histories.gaps_s[function, place] - waited_s)
        row[column] += 1.0 / n
        row[column + 1] += recency
        row[column + 2] += histories.likeness[function, place, 0]
        row[column + 3] += histories.likeness[function, place, 1]
        recency *= RECENCY


@jit
def _describe_minutes(
    minute_hits: NDArray[np.float32], now_s: float, hours: float, row: NDArray[np.float32]
) -> None:
    """Write how many of the minutes ahead had calls in an hour of the past, squashed to 0..2."""
    whole_minutes = int(now_s // 60.0)
    minute = whole_minutes % MINUTES
    gone = minute_hits[minute] * (now_s / 60.0 - whole_minutes)
    total, done = -gone, 0
    for i in range(len(AHEAD_MINUTES)):
        while done < AHEAD_MINUTES[i]:
            total += minute_hits[minute]
            minute = minute + 1 if minute < MINUTES - 1 else 0
            done += 1
        row[AHEAD_COLUMN + i] = _squash(total / (hours + 0.5))
    row[AHEAD_COLUMN + len(AHEAD_MINUTES)] = _squash((minute_hits[MINUTES] - gone) / (hours + 0.5))


@jit
def _squash(an_hour: float) -> float:
    return 2.0 * max(0.0, an_hour) / (1.0 + max(0.0, an_hour))
