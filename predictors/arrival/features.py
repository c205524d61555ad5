"""What the network sees of a function: its last gaps, its rates, and its minutes of the hour.

All that does not change until the next call is worked out when a call comes, so that a forecast
costs neither logarithms nor exponentials but that of the time waited.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.jit import jit, kernel

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
TABLE_START_S, TABLE_OCTAVES, BINS_PER_OCTAVE = 0.5, 16, 16
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


class Moment(NamedTuple):
    """When a forecast is asked for.

    Attributes
    ----------
    minutes
        Since midnight.
    hours
        Since the first call of any function.
    log_watched
        The feature that follows from these.
    """

    minutes: float
    hours: float
    log_watched: float


@jit
def moment(now_s: float, watched_s: float) -> Moment:
    """Return what is the same for all functions."""
    return Moment(now_s / 60.0, watched_s / 3600.0, _log(min(watched_s, LONGEST_S)))


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


@kernel
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


@kernel
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


@kernel
def _ratio(gaps_s: NDArray[np.float32], nth: int, back: int) -> float:
    """Return how alike a gap is to the one so many before it, 0 to 1."""
    one, other = gaps_s[nth % GAPS], gaps_s[(nth - back) % GAPS]
    ratio = min(one, other) / max(one, other)
    return float(ratio * ratio)


@kernel
def describe(
    histories: Histories,
    function: int,
    waited_s: float,
    moment: Moment,
    row: NDArray[np.float32],
) -> None:
    """Write the features of one function, all of the order of one."""
    row[:] = 0.0
    for i in range(SUMMARY):
        row[i] = histories.summary[function, i]
    row[WAITED] = _log(min(waited_s, LONGEST_S))
    row[WATCHED] = moment.log_watched
    for m in range(len(MEMORIES_S)):
        log_rate = histories.log_rates[function, m] - waited_s / MEMORIES_S[m]
        row[RATE_COLUMN + m] = 0.4 * (max(log_rate, LEAST_LOG_RATE) - LEAST_LOG_RATE)
    _describe_minutes(histories.minute_hits[function], moment, row)
    _describe_windows(histories, function, waited_s, row)


def _window_table() -> NDArray[np.int64]:
    """Return the interval of ``KNOTS_S`` in which each bin begins; a bin has one knot at most."""
    bins = np.arange(TABLE_OCTAVES * BINS_PER_OCTAVE)
    in_octave = 1.0 + bins % BINS_PER_OCTAVE / BINS_PER_OCTAVE
    starts_s = TABLE_START_S * 2.0 ** (bins // BINS_PER_OCTAVE) * in_octave
    return np.searchsorted(KNOTS_S, starts_s, side="right") - 1


WINDOW_TABLE = _window_table()
NEXT_KNOT_S = np.array([*KNOTS_S[1:], np.inf])
BIN_SHIFT = 52 - int(np.log2(BINS_PER_OCTAVE))
FIRST_BIN = int(np.float64(TABLE_START_S).view(np.int64)) >> BIN_SHIFT


@kernel
def window(ahead_s: float) -> int:
    """Return the interval of ``KNOTS_S``, or ``BEYOND`` or ``PAST``.

    The bin of a time is what its exponent and first binary places say, which takes no branch that
    a processor could guess wrong.
    """
    within_s = min(max(ahead_s, TABLE_START_S), KNOTS_S[-1])
    interval = WINDOW_TABLE[(np.float64(within_s).view(np.int64) >> BIN_SHIFT) - FIRST_BIN]
    interval += within_s >= NEXT_KNOT_S[interval]
    return int(interval if ahead_s > 0.0 else PAST)


@kernel
def _describe_windows(
    histories: Histories, function: int, waited_s: float, row: NDArray[np.float32]
) -> None:
    """Write where the next call falls if it ends a gap like each known one.

    Four shares of the gaps for each window of time ahead: all alike, the recent ones more, and
    those more that followed one or two gaps like the latest.
    """
    known = histories.known[function]
    n = min(GAPS, known)
    gaps_s, likeness = histories.gaps_s[function], histories.likeness[function]
    for i in range(n):
        place = (known - 1 - i) % GAPS
        column = WINDOW_COLUMN + SHARES * window(gaps_s[place] - waited_s)
        shares = row[column : column + SHARES]
        shares[0] += EQUAL[n]
        shares[1] += RECENT[n, i]
        shares[2] += likeness[place, 0]
        shares[3] += likeness[place, 1]


def _recent() -> NDArray[np.float64]:
    """Return the weights of gaps by their number and their age, the newest first."""
    ages = np.arange(GAPS)
    weights = np.where(ages < np.arange(GAPS + 1)[:, None], RECENCY**ages, 0.0)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), RECENCY)
    return weights


EQUAL = 1.0 / np.maximum(np.arange(GAPS + 1), 1)
RECENT = _recent()


@kernel
def _describe_minutes(
    minute_hits: NDArray[np.float32], moment: Moment, row: NDArray[np.float32]
) -> None:
    """Write how many of the minutes ahead had calls in an hour of the past, squashed to 0..2."""
    minute = int(moment.minutes) % MINUTES
    gone = minute_hits[minute] * (moment.minutes - int(moment.minutes))
    total, done = -gone, 0
    for i in range(len(AHEAD_MINUTES)):
        total += _hits(minute_hits, minute + done, minute + AHEAD_MINUTES[i])
        done = AHEAD_MINUTES[i]
        row[AHEAD_COLUMN + i] = _squash(total / (moment.hours + 0.5))
    in_hour = (minute_hits[MINUTES] - gone) / (moment.hours + 0.5)
    row[AHEAD_COLUMN + len(AHEAD_MINUTES)] = _squash(in_hour)


@kernel
def _hits(minute_hits: NDArray[np.float32], first: int, last: int) -> float:
    """Return the hits of a stretch of minutes, which may go on into the next hour."""
    hits = np.float32(0.0)
    for minute in range(min(first, MINUTES), min(last, MINUTES)):
        hits += minute_hits[minute]
    for minute in range(max(first, MINUTES), last):
        hits += minute_hits[minute - MINUTES]
    return float(hits)


@kernel
def _squash(an_hour: float) -> float:
    return 2.0 * max(0.0, an_hour) / (1.0 + max(0.0, an_hour))
