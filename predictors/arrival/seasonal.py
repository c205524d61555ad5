"""Habits of the clock: the second within the hour, and the hour within the day.

A fifth of the functions in the Azure Functions 2019 traces are called by timers (Shahrad et al.,
"Serverless in the Wild", USENIX ATC 2020), which fire at set times of the hour.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.base import BasePredictor, Calls, Field
from predictors.arrival.forecast import MAX_ARRIVALS
from predictors.arrival.jit import jit, kernel
from predictors.arrival.rows import share

SLOT_S = 10.0
SLOTS = 360
HOURS = 24
HOUR_S, DAY_S = 3600.0, 86400.0
EDGES_S = np.linspace(0.0, DAY_S, HOURS + 1)
PRIOR_HOURS = 0.5
PRIOR_SLOT_CHANCE = 1e-4
PRIOR_HABIT_SLOTS = 20.0
MOST_CHANCE = 0.999
REMEMBERED_HITS = 32
NEVER_ASKED = 0
BLOCK, LINE, FEW_SLOTS = 64, 32, 2
"""Functions, and slots that come together, to fetch at once; so few slots need no fetching."""

Exactly = tuple[float, float, float, float]


class Habits(NamedTuple):
    """What is kept of the functions, one row a function.

    Attributes
    ----------
    slot_hits, hour_hits
        uint16[n, SLOTS] and float32[n, HOURS], slots with a call by place in the hour and by hour.
        A forecast takes the time that it takes to read the former; it lasts for seven years.
    hits, calls
        float64[n], slots with a call in all, and calls.
    last_slot
        int64[n], since midnight, of the latest call.
    """

    slot_hits: NDArray[np.uint16]
    hour_hits: NDArray[np.float32]
    hits: NDArray[np.float64]
    calls: NDArray[np.float64]
    last_slot: NDArray[np.int64]


class Memo(NamedTuple):
    """What whole slots with so many hits come to in the hour at hand; most have few hits.

    Attributes
    ----------
    log_none
        float64[REMEMBERED_HITS], logarithm of the chance of no call were the hour a mean one.
    hit
        float64[REMEMBERED_HITS], the chance of a call; 0 where it is not known yet.
    """

    log_none: NDArray[np.float64]
    hit: NDArray[np.float64]


class SeasonalPredictor(BasePredictor):
    """Each of the 360 slots of 10 s in an hour has its own chance of a call.

    It is the share of past hours with a call in that slot, drawn towards the function's mean over
    all slots, and raised or lowered by the habit of the hour of the day. A slot with a call has
    further ones with the function's mean chance. Slots that never had a call are taken together in
    four stretches, which is as many as calls are told apart.

    Parameters
    ----------
    levels
        Quantiles of the next arrival to give with each forecast.
    """

    def _fields(self) -> dict[str, Field]:
        return {
            "slot_hits": Field((SLOTS,), np.uint16),
            "hour_hits": Field((HOURS,), np.float32),
            "hits": Field(),
            "calls": Field(),
            "last_slot": Field((), np.int64, -1),
        }

    @property
    def _habits(self) -> Habits:
        return Habits(*(self._state[name] for name in Habits._fields))

    def _fold(self, calls: Calls) -> None:
        slots = (calls.at_s // SLOT_S).astype(np.int64)
        _hit(calls.functions, slots, self._habits)

    def _at_least(
        self, now_s: float, horizon_s: float, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        at_least = np.empty((len(rows), MAX_ARRIVALS))
        since_s = self._since_s(now_s)
        hours = max(0.0, (now_s - since_s) / HOUR_S)
        habits, visits = self._habits, _visits(since_s, now_s)

        def answer(first: int, last: int) -> None:
            memo = Memo(np.empty(REMEMBERED_HITS), np.empty(REMEMBERED_HITS))
            _answer(first, last, rows, habits, hours, visits, now_s, horizon_s, memo, at_least)

        share(answer, len(rows))
        return at_least


def _visits(start_s: float, now_s: float) -> NDArray[np.float64]:
    """Return how often each hour of the day has passed since ``start_s``."""

    def passed(at_s: float) -> NDArray[np.float64]:
        days, rest_s = divmod(at_s, DAY_S)
        return np.asarray(days + np.diff(np.minimum(EDGES_S, rest_s)) / HOUR_S)

    return passed(now_s) - passed(start_s)


@jit
def _hit(functions: NDArray[np.int64], slots: NDArray[np.int64], habits: Habits) -> None:
    for i in range(len(functions)):
        function = functions[i]
        habits.calls[function] += 1.0
        if slots[i] > habits.last_slot[function]:
            habits.last_slot[function] = slots[i]
            habits.hits[function] += 1.0
            habits.slot_hits[function, slots[i] % SLOTS] += 1
            habits.hour_hits[function, (slots[i] // SLOTS) % HOURS] += 1.0


@kernel
def _answer(
    first: int,
    last: int,
    rows: NDArray[np.int64],
    habits: Habits,
    hours: float,
    visits: NDArray[np.float64],
    now_s: float,
    horizon_s: float,
    memo: Memo,
    at_least: NDArray[np.float64],
) -> None:
    start, end = now_s / SLOT_S, (now_s + horizon_s) / SLOT_S
    for place in range(first, last):
        function = rows[place]
        if (place - first) % BLOCK == 0 and end - start > FEW_SLOTS:
            near = rows[place : min(place + BLOCK, last)]
            memo.log_none[NEVER_ASKED] = _touched(
                habits.slot_hits, near, start, min(end, start + SLOTS)
            )
        further = 1.0 - (habits.hits[function] + 1.0) / (habits.calls[function] + 1.0)
        exactly, log_none = _within_an_hour(
            habits, function, hours, visits, start, min(end, start + SLOTS), further, memo
        )
        slot = start + SLOTS
        while slot < end:
            cover = min(1.0, (end - slot) / SLOTS)
            exactly = _with_hits(exactly, -np.expm1(cover * log_none), further)
            slot += SLOTS
        left = 1.0
        for j in range(MAX_ARRIVALS):
            left -= exactly[j]
            at_least[place, j] = max(0.0, left)


@kernel
def _touched(
    slot_hits: NDArray[np.uint16], rows: NDArray[np.int64], start: float, end: float
) -> float:
    """Return a sum whose only use is that it brings the slots of many functions near at once.

    They are far apart in memory. Fetched one after the other, as they are needed, they take a third
    of the time of a forecast (370 ns a function in place of 260, with 100,000 and 600 s).
    """
    total = 0
    for function in rows:
        for slot in range(int(start), int(end), LINE):
            total += slot_hits[function, slot % SLOTS]
        total += slot_hits[function, int(end) % SLOTS]
    return float(total)


@kernel
def _within_an_hour(
    habits: Habits,
    function: int,
    hours: float,
    visits: NDArray[np.float64],
    start: float,
    end: float,
    further: float,
    memo: Memo,
) -> tuple[Exactly, float]:
    """Return the chances of exactly 0..3 calls, and the logarithm of that of none."""
    mean = (habits.hits[function] + PRIOR_SLOT_CHANCE * SLOTS) / (hours * SLOTS + SLOTS)
    exactly = (1.0, 0.0, 0.0, 0.0)
    covered, covered_by_hits, busy = 0.0, 0.0, 0.0
    while start < end:
        whole_hours = int(start) // SLOTS
        until = min(end, float((whole_hours + 1) * SLOTS))
        hour = whole_hours % HOURS
        liveliness = _liveliness(habits.hour_hits[function, hour], mean, visits[hour])
        _forget(memo)
        for slot in range(int(start), int(np.ceil(until))):
            hits = int(habits.slot_hits[function, slot - whole_hours * SLOTS])
            if hits > 0:
                part = min(until, slot + 1.0) - max(start, float(slot))
                log_none, hit = _of_slot(hits, part, mean, hours, liveliness, memo)
                exactly = _with_hits(exactly, hit, further)
                covered_by_hits += liveliness * part
                busy += log_none
        covered += liveliness * (until - start)
        start = until
    quiet = (covered - covered_by_hits) * _log_none(PRIOR_HOURS * mean, hours)
    hit = -np.expm1(quiet / MAX_ARRIVALS)
    for _ in range(MAX_ARRIVALS):
        exactly = _with_hits(exactly, hit, further)
    return exactly, quiet + busy


@kernel
def _forget(memo: Memo) -> None:
    for hits in range(REMEMBERED_HITS):
        memo.hit[hits] = 0.0


@kernel
def _of_slot(
    hits: int, part: float, mean: float, hours: float, liveliness: float, memo: Memo
) -> tuple[float, float]:
    """Return for part of a slot the logarithm of the chance of no call, and the chance of one."""
    remembered = hits < REMEMBERED_HITS and memo.hit[hits] > 0.0
    log_none = memo.log_none[hits] if remembered else _log_none(hits + PRIOR_HOURS * mean, hours)
    if part < 1.0:
        log_none *= liveliness * part
        return log_none, -np.expm1(log_none)
    hit = memo.hit[hits] if remembered else -np.expm1(liveliness * log_none)
    if hits < REMEMBERED_HITS:
        memo.log_none[hits], memo.hit[hits] = log_none, hit
    return liveliness * log_none, hit


@kernel
def _liveliness(hits: float, mean: float, visits: float) -> float:
    """Return how much livelier than the mean an hour of the day is."""
    prior = PRIOR_HABIT_SLOTS * mean
    return (hits + prior) / (mean * visits * SLOTS + prior)


@kernel
def _log_none(hits: float, hours: float) -> float:
    """Return the logarithm of the chance that a slot passes without a call."""
    return float(np.log1p(-min(MOST_CHANCE, hits / (hours + PRIOR_HOURS))))


@kernel
def _with_hits(exactly: Exactly, hit: float, further: float) -> Exactly:
    """Convolve the chances of exactly 0..3 calls with those of one more stretch of time."""
    none, last = 1.0 - hit, hit * (1.0 - further)
    zero, one, two, three = exactly
    return (
        zero * none,
        one * none + last * zero,
        two * none + last * (one + further * zero),
        three * none + last * (two + further * (one + further * zero)),
    )
