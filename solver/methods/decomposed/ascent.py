r"""Lower the bound step by step along its slope.

Subgradient steps with deflection (Camerini, Fratta and Maffioli, Mathematical Programming Study 3,
1975) towards a target a little below the best bound, the distance of which adapts as in the
level method of Goffin and Kiwiel (Mathematical Programming 85, 1999): it grows with success and
shrinks, restarting from the best prices, when the bound stalls. First GPUs are
priced; once that bound has settled, the blocks are solved exactly and the descent goes on from
there.
"""

from dataclasses import dataclass, field

import numpy as np

from solver.deadline import Deadline
from solver.methods.decomposed.block import Bench
from solver.methods.decomposed.bound import Answer, Evaluation, evaluate, new_answer
from solver.methods.decomposed.network import Float64, Network
from solver.methods.decomposed.prices import Prices, Range, price_range

_TOLERANCE = 1e-7
_DEFLECTION = 0.6
_PATIENCE = 12
_SHRINK = 0.6
_GROW = 1.2
_FIRST_LEVEL = 3e-3
_EXACT_LEVEL = 3e-4
_LAST_LEVEL = 2e-6


@dataclass
class Ascent:
    """A descent of the dual bound, a step at a time.

    Parameters
    ----------
    network
        What is bounded.
    bench
        Room to work; no other thread may use it.
    prices
        Where to start.

    Attributes
    ----------
    bound : float
        Best bound so far.
    best : Prices
        Prices that proved it.
    exact : bool
        Whether blocks are solved exactly by now.
    settled : bool
        Whether the bound has stopped falling.
    """

    network: Network
    bench: Bench
    prices: Prices
    bound: float = np.inf
    exact: bool = False
    settled: bool = False
    best: Prices = field(init=False)
    _range: Range = field(init=False)
    _answer: Answer = field(init=False)
    _gpu_unit: float = field(init=False)
    _level: float = _FIRST_LEVEL
    _stalled: int = 0
    _row_direction: Float64 = field(init=False)
    _gpu_direction: Float64 = field(init=False)

    def __post_init__(self) -> None:
        self._range = price_range(self.network)
        self._answer = new_answer(self.network)
        self.best = self.prices
        memory = self.network.gpu_memory
        self._gpu_unit = max(1.0, 0.5 * float(np.median(memory))) if len(memory) else 1.0
        self._forget()

    def step(self, deadline: Deadline) -> None:
        """Evaluate the prices at hand, keep what is better, and move on."""
        scale = abs(self.bound) if np.isfinite(self.bound) else 1.0
        found = evaluate(
            self.network,
            self.bench,
            self.prices,
            self._answer,
            self.exact,
            _TOLERANCE * scale / max(1, self.network.n_blocks),
            deadline,
        )
        if found is None:
            return
        self._record(found.bound)
        if self._stalled >= _PATIENCE:
            self._shrink()
        else:
            self._move(found)

    def _record(self, bound: float) -> None:
        gain = self.bound - bound
        if gain > 0:
            self.bound, self.best = bound, self.prices
        if gain > 0.1 * self._level * abs(bound):
            self._stalled = 0
        else:
            self._stalled += 1
        if np.isfinite(gain) and gain > 0.5 * self._level * abs(bound):
            self._level *= _GROW

    def _shrink(self) -> None:
        self._level *= _SHRINK
        self._stalled = 0
        self.prices = self.best
        self._forget()
        if self._level < _LAST_LEVEL:
            self.settled = self.exact
            self.exact = True
            self._level = _EXACT_LEVEL

    def _forget(self) -> None:
        self._row_direction = np.zeros(self.network.n_rows)
        self._gpu_direction = np.zeros(len(self.network.gpu_memory))

    def _move(self, found: Evaluation) -> None:
        """Step against the deflected slope, as far as would reach the target if it were straight.

        GPU prices move per `_gpu_unit` bytes, so that they weigh like the prices of calls.
        """
        self._row_direction = found.row_slope + _DEFLECTION * self._row_direction
        self._gpu_direction = found.gpu_slope / self._gpu_unit + _DEFLECTION * self._gpu_direction
        square = float(
            self._row_direction @ self._row_direction + self._gpu_direction @ self._gpu_direction
        )
        if square == 0.0:
            self._stalled = _PATIENCE
            return
        target = self.bound - self._level * abs(self.bound)
        length = (found.bound - target) / square
        self.prices = Prices(
            row=np.clip(
                self.prices.row - length * self._row_direction, self._range.low, self._range.high
            ),
            gpu=np.maximum(0.0, self.prices.gpu - length * self._gpu_direction / self._gpu_unit),
        )
