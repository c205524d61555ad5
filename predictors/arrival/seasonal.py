"""Habits of the clock: the second within the hour, and the hour within the day.

A fifth of the functions in the Azure Functions 2019 traces are called by timers (Shahrad et al.,
"Serverless in the Wild", USENIX ATC 2020), which fire at set times of the hour.
"""

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.base import BasePredictor, Calls, Field
from predictors.arrival.forecast import MAX_ARRIVALS
from predictors.arrival.jit import jit

SLOT_S = 10.0
SLOTS = 360
HOURS = 24
DAY_S = 86400.0
PRIOR_HOURS = 0.5
PRIOR_SLOT_CHANCE = 1e-4
PRIOR_HABIT_SLOTS = 20.0
MOST_CHANCE = 0.999


class SeasonalPredictor(BasePredictor):
    """Each of the 360 slots of 10 s in an hour has its own chance of a call.

    It is the share of past hours with a call in that slot, drawn towards the function's mean over
    all slots, and raised or lowered by the habit of the hour of the day. A slot with a call has
    further ones with the function's mean chance.

    Parameters
    ----------
    levels
        Quantiles of the next arrival to give with each forecast.
    """

    def _fields(self) -> dict[str, Field]:
        return {
            "slot_hits": Field((SLOTS,), np.float32),
            "hour_hits": Field((HOURS,), np.float32),
            "calls": Field(),
            "last_slot": Field((), np.int64, -1),
        }

    def _fold(self, calls: Calls) -> None:
        state = self._state
        slots = (calls.at_s // SLOT_S).astype(np.int64)
        np.add.at(state["calls"], calls.functions, 1.0)
        _hit(calls.functions, slots, state["slot_hits"], state["hour_hits"], state["last_slot"])

    def _at_least(self, now_s: float, horizon_s: float) -> NDArray[np.float64]:
        state = self._state
        at_least = np.empty((self.count, MAX_ARRIVALS))
        since_s = self._since_s(now_s)
        hits = state["hour_hits"].sum(axis=1, dtype=np.float64)
        slots = max(0.0, (now_s - since_s) / SLOT_S)
        mean = (hits + PRIOR_SLOT_CHANCE * SLOTS) / (slots + SLOTS)
        habits = _habits(state["hour_hits"], mean, _visits(since_s, now_s))
        further = 1.0 - (hits + 1.0) / (state["calls"] + 1.0)
        _answer(
            state["slot_hits"], habits, mean, further, slots / SLOTS, now_s, horizon_s, at_least
        )
        return at_least


def _visits(start_s: float, now_s: float) -> NDArray[np.float64]:
    """Return how often each hour of the day has passed since ``start_s``."""
    edges_s = np.linspace(0.0, DAY_S, HOURS + 1)

    def passed(at_s: float) -> NDArray[np.float64]:
        days, rest_s = divmod(at_s, DAY_S)
        return np.asarray(days + np.diff(np.minimum(edges_s, rest_s)) / (DAY_S / HOURS))

    return passed(now_s) - passed(start_s)


def _habits(
    hour_hits: NDArray[np.float32], mean: NDArray[np.float64], visits: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how much livelier than the mean each hour of the day is, float64[n, 24]."""
    prior = PRIOR_HABIT_SLOTS * mean[:, None]
    return np.asarray((hour_hits + prior) / (mean[:, None] * visits * SLOTS + prior))


@jit
def _hit(
    functions: NDArray[np.int64],
    slots: NDArray[np.int64],
    slot_hits: NDArray[np.float32],
    hour_hits: NDArray[np.float32],
    last_slot: NDArray[np.int64],
) -> None:
    for i in range(len(functions)):
        function = functions[i]
        if slots[i] > last_slot[function]:
            last_slot[function] = slots[i]
            slot_hits[function, slots[i] % SLOTS] += 1.0
            hour_hits[function, (slots[i] // SLOTS) % HOURS] += 1.0


@jit
def _answer(
    slot_hits: NDArray[np.float32],
    habits: NDArray[np.float64],
    mean: NDArray[np.float64],
    further: NDArray[np.float64],
    hours: float,
    now_s: float,
    horizon_s: float,
    at_least: NDArray[np.float64],
) -> None:
    start, end = now_s / SLOT_S, (now_s + horizon_s) / SLOT_S
    first = int(start)
    last_of_hour = min(int(end), first + SLOTS)
    exactly = np.empty(MAX_ARRIVALS)
    for function in range(len(mean)):
        exactly[:] = 0.0
        exactly[0] = 1.0
        hourly = 0.0
        for slot in range(first, last_of_hour + 1):
            hits = slot_hits[function, slot % SLOTS] + PRIOR_HOURS * mean[function]
            log_none = np.log1p(-min(MOST_CHANCE, hits / (hours + PRIOR_HOURS)))
            log_none *= habits[function, (slot // SLOTS) % HOURS]
            cover = min(end, slot + 1.0, start + SLOTS) - max(start, float(slot))
            _add_hits(exactly, -np.expm1(cover * log_none), further[function])
            hourly += cover * log_none
        slot_s = start + SLOTS
        while slot_s < end:
            cover = min(1.0, (end - slot_s) / SLOTS)
            _add_hits(exactly, -np.expm1(cover * hourly), further[function])
            slot_s += SLOTS
        left = 1.0
        for j in range(MAX_ARRIVALS):
            left -= exactly[j]
            at_least[function, j] = max(0.0, left)


@jit
def _add_hits(exactly: NDArray[np.float64], hit: float, further: float) -> None:
    """Convolve the chances of exactly 0..3 calls with those of one more stretch of time."""
    for calls in range(MAX_ARRIVALS - 1, -1, -1):
        total = exactly[calls] * (1.0 - hit)
        chance = hit * (1.0 - further)
        for more in range(1, calls + 1):
            total += exactly[calls - more] * chance
            chance *= further
        exactly[calls] = total
