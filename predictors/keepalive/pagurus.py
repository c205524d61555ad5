"""Containers that help other functions before they are recycled.

Source: Li et al., "Help Rather Than Recycle: Alleviating Cold Startup in Serverless Computing
Through Inter-Function Container Sharing" (Pagurus), USENIX ATC 2022, and the authors' published
code (github.com/lzjzx1122/Pagurus, ``interaction_controller/inter_controller.py`` and
``intraaction_controller/action.py``), which names every number here. Its AWS experiments run at
twice the speed; these are the times before that.
"""

from collections import Counter

import numpy as np

from predictors.keepalive.base import BasePolicy
from predictors.keepalive.gaps import Gaps
from predictors.keepalive.protocol import FunctionTraits, Lifetime

LIFETIME_S = 900.0
"""Time since the last call after which executors, lenders and renters alike are recycled."""
LEND_SHARE = 0.95
"""An idle container is a lender after this percentile of its function's gaps."""
FIRST_LEND_S = 60.0
"""The same until the percentile is known; an argument in the authors' code, 60 s in its example."""
GAPS_WINDOW_S = 900.0
"""The percentile is taken anew every so often, of the gaps since it was taken last."""
CANDIDATES = 40
"""Functions most similar in packages that a lender may be made for."""
HELPED = 8
"""Functions that a lender is made for, drawn anew from the candidates every ``REDRAW_S``."""
REDRAW_S = 1800.0


class Pagurus(BasePolicy):
    """Idle instances become lenders that eight functions with similar packages may rent.

    A container is an executor of its function first; having idled longer than 95 % of the
    function's gaps it becomes a lender, whose image holds the packages of eight other functions.
    These are drawn every half hour for all lenders at once, from the forty most similar ones
    (cosine of the 0/1 vectors of packages; equals in a random order), each with a chance that
    follows its cold starts in the half hour before. One that had none counts as if it had one. A
    call served by a rented container is a cold start too. A rented container is the renter's until
    it is recycled; it is not lent again.

    Different here: a package has no version, so that no two functions conflict. A container keeps
    the time after which it is lent that held when it turned idle. Every container that idles so
    long is lent and a rented one leaves none behind, whereas the authors' code lends as many of a
    function as it is told (one in its example) and creates another lender for each that was rented.

    Parameters
    ----------
    rng
        Draws the functions to help.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self._rng = rng
        self._started_s: float | None = None
        self._gaps: list[Gaps] = []
        self._half_hour = 0
        self._cold_starts: Counter[int] = Counter()
        self._cold_before: Counter[int] = Counter()
        self._candidates: dict[int, list[int]] = {}
        self._helped: dict[int, tuple[int, ...]] = {}

    def add(self, traits: FunctionTraits) -> int:
        """Take a new function in and return its index."""
        self._gaps.append(Gaps(LEND_SHARE, FIRST_LEND_S))
        self._candidates.clear()
        return super().add(traits)

    def observe(self, function: int, at_s: float) -> None:
        """Note the gap that this call ends."""
        self._gaps[function].observe(at_s, self._periods(at_s, GAPS_WINDOW_S))

    def cold_started(self, function: int, at_s: float) -> None:
        """Count a cold start, which makes the function likelier to be helped."""
        self._move_to(at_s)
        self._cold_starts[function] += 1

    def lifetime(self, function: int, at_s: float, *, rented: bool = False) -> Lifetime:
        """Keep an instance for 15 minutes and lend it once its function seems not to need it."""
        if rented:
            return Lifetime(LIFETIME_S)
        window = self._periods(at_s, GAPS_WINDOW_S)
        return Lifetime(LIFETIME_S, lend_after_s=self._gaps[function].percentile_s(window))

    def renters(self, function: int, at_s: float) -> tuple[int, ...]:
        """Return the functions that the lenders of ``function`` are made for at present."""
        self._move_to(at_s)
        if function not in self._helped:
            self._helped[function] = self._draw(function)
        return self._helped[function]

    def _periods(self, at_s: float, period_s: float) -> int:
        """Count the whole periods since the first event."""
        if self._started_s is None:
            self._started_s = at_s
        return int((at_s - self._started_s) // period_s)

    def _move_to(self, at_s: float) -> None:
        """Begin the half hour of ``at_s``: what was drawn before holds no longer."""
        half_hour = self._periods(at_s, REDRAW_S)
        if half_hour == self._half_hour:
            return
        follows = half_hour == self._half_hour + 1
        self._cold_before = self._cold_starts if follows else Counter()
        self._cold_starts = Counter()
        self._helped.clear()
        self._half_hour = half_hour

    def _draw(self, function: int) -> tuple[int, ...]:
        if function not in self._candidates:
            self._candidates[function] = self._most_similar(function)
        candidates = self._candidates[function]
        if not candidates:
            return ()
        weights = np.array([max(1, self._cold_before[one]) for one in candidates])
        count = min(HELPED, len(candidates))
        drawn = self._rng.choice(candidates, count, replace=False, p=weights / weights.sum())
        return tuple(int(one) for one in drawn)

    def _most_similar(self, function: int) -> list[int]:
        """Return the functions of most similar packages; equals in a random order."""
        mine = self._traits[function].packages
        cosines = {
            theirs: _cosine(mine, theirs) for theirs in {one.packages for one in self._traits}
        }
        similarity = np.array([cosines[other.packages] for other in self._traits])
        similarity[function] = -1.0
        order = np.lexsort((self._rng.random(len(similarity)), -similarity))
        return [int(one) for one in order[:CANDIDATES] if one != function]


def _cosine(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the cosine of two 0/1 vectors; needing nothing is like anything."""
    if not one or not other:
        return 1.0
    return float(len(one & other) / np.sqrt(len(one) * len(other)))
