"""Containers that help other functions before they are recycled.

Source: Li et al., "Help Rather Than Recycle: Alleviating Cold Startup in Serverless Computing
Through Inter-Function Container Sharing" (Pagurus), USENIX ATC 2022, sections 4 to 6.
"""

import numpy as np

from predictors.keepalive.base import BasePolicy
from predictors.keepalive.gaps import Gaps
from predictors.keepalive.protocol import FunctionTraits, Lifetime

LIFETIME_S = 900.0
"""Idle time of executors, lenders and renters alike before they are recycled."""
LEND_SHARE = 0.95
"""An idle container is a lender after this percentile of its function's gaps."""
FIRST_LEND_S = 60.0
"""The same while no gap is known."""
CANDIDATES = 40
"""Functions most similar in packages that a lender may be made for."""
HELPED = 8
"""Functions that a lender is made for, drawn anew from the candidates every ``REDRAW_S``."""
REDRAW_S = 1800.0


class Pagurus(BasePolicy):
    """Idle instances become lenders that eight functions with similar packages may rent.

    A container is an executor of its function first; having idled longer than 95 % of the
    function's gaps it becomes a lender, whose image holds the packages of eight other functions.
    These are drawn from the forty most similar (cosine of the 0/1 vectors of packages) with chances
    that follow their cold starts. A rented container is the renter's until it is recycled; it is
    not lent again.

    Parameters
    ----------
    rng
        Draws the functions to help.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self._rng = rng
        self._gaps: list[Gaps] = []
        self._cold_starts: list[int] = []
        self._candidates: dict[int, list[int]] = {}
        self._helped: dict[int, tuple[float, tuple[int, ...]]] = {}

    def add(self, traits: FunctionTraits) -> int:
        """Take a new function in and return its index."""
        self._gaps.append(Gaps())
        self._cold_starts.append(0)
        self._candidates.clear()
        return super().add(traits)

    def observe(self, function: int, at_s: float) -> None:
        """Note the gap that this call ends."""
        self._gaps[function].observe(at_s)

    def cold_started(self, function: int, at_s: float) -> None:  # noqa: ARG002
        """Count a cold start, which makes the function likelier to be helped."""
        self._cold_starts[function] += 1

    def lifetime(self, function: int, at_s: float, *, rented: bool = False) -> Lifetime:  # noqa: ARG002
        """Keep an instance for 15 minutes and lend it once its function seems not to need it."""
        if rented:
            return Lifetime(LIFETIME_S)
        lend_after_s = self._gaps[function].percentile_s(LEND_SHARE)
        return Lifetime(
            LIFETIME_S, lend_after_s=FIRST_LEND_S if lend_after_s is None else lend_after_s
        )

    def renters(self, function: int, at_s: float) -> tuple[int, ...]:
        """Return the functions that the lenders of ``function`` are made for at present."""
        drawn_s, helped = self._helped.get(function, (-REDRAW_S, ()))
        if at_s - drawn_s >= REDRAW_S:
            helped = self._draw(function)
            if helped:
                self._helped[function] = (at_s, helped)
        return helped

    def _draw(self, function: int) -> tuple[int, ...]:
        if function not in self._candidates:
            self._candidates[function] = self._most_similar(function)
        candidates = self._candidates[function]
        weights = np.array([self._cold_starts[one] for one in candidates], dtype=np.float64)
        count = min(HELPED, int(np.count_nonzero(weights)))
        if count == 0:
            return ()
        drawn = self._rng.choice(candidates, count, replace=False, p=weights / weights.sum())
        return tuple(int(one) for one in drawn)

    def _most_similar(self, function: int) -> list[int]:
        """Return the functions of most similar packages; equals in a random order."""
        mine = self._traits[function].packages
        similarity = np.array([_cosine(mine, other.packages) for other in self._traits])
        similarity[function] = -1.0
        order = np.lexsort((self._rng.random(len(similarity)), -similarity))
        return [int(one) for one in order[:CANDIDATES] if one != function]


def _cosine(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the cosine of two 0/1 vectors; needing nothing is similar to nothing."""
    if not one or not other:
        return 0.0
    return float(len(one & other) / np.sqrt(len(one) * len(other)))
