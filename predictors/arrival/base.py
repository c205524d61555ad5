"""What all arrival predictors share: buffering of calls, growth, quantiles, saving and loading."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.forecast import Forecast
from predictors.arrival.jit import jit
from predictors.arrival.quantiles import invert

BUFFERED_ARRIVALS = 8192


@dataclass(frozen=True, slots=True)
class Field:
    """Shape, type and initial value of what is known of one function."""

    shape: tuple[int, ...] = ()
    dtype: type[np.generic] = np.float64
    fill: float = 0.0

    def empty(self, count: int) -> NDArray[Any]:
        """Return the array for ``count`` functions without a past."""
        return np.full((count, *self.shape), self.fill, self.dtype)


@dataclass(frozen=True, slots=True)
class Calls:
    """Arrivals in order of time.

    ``gap_s`` is the time since the same function's call before, ``inf`` for its first.
    """

    functions: NDArray[np.int64]
    at_s: NDArray[np.float64]
    gap_s: NDArray[np.float64]


class BasePredictor(ABC):
    """A predictor whose knowledge is one array a field, one row a function.

    Subclasses name their fields, fold arrivals into them and read chances out of them. ``observe``
    only appends to a buffer, which is folded in before the next answer. First and latest arrivals
    are kept here, since all need them.

    Parameters
    ----------
    levels
        Quantiles of the next arrival to give with each forecast; each costs a search, so none are
        given unless asked for.
    """

    def __init__(self, levels: tuple[float, ...] = ()) -> None:
        self.levels = levels
        self.count = 0
        self._state = {name: field.empty(0) for name, field in self._all_fields().items()}
        self._buffered_functions: list[int] = []
        self._buffered_at_s: list[float] = []

    @abstractmethod
    def _fields(self) -> dict[str, Field]:
        """Return what is kept of each function."""

    @abstractmethod
    def _fold(self, calls: Calls) -> None:
        """Take arrivals into the state."""

    @abstractmethod
    def _at_least(
        self, now_s: float, horizon_s: float, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return P(N >= j) of the functions in ``rows``, float64[n, 4], changing nothing."""

    def resize(self, count: int) -> None:
        """Know ``count`` functions from now on.

        Raises
        ------
        ValueError
            If that is fewer than before.
        """
        if count < self.count:
            msg = f"count: cannot shrink from {self.count} functions to {count}"
            raise ValueError(msg)
        fields = self._all_fields()
        self._state = {
            name: np.concatenate([known, fields[name].empty(count - self.count)])
            for name, known in self._state.items()
        }
        self.count = count

    def observe(self, function: int, at_s: float) -> None:
        """Note one arrival.

        Raises
        ------
        IndexError
            If ``function`` is not known.
        """
        if not 0 <= function < self.count:
            msg = f"function: {function} is not in 0..{self.count - 1}"
            raise IndexError(msg)
        self._buffered_functions.append(function)
        self._buffered_at_s.append(at_s)
        if len(self._buffered_at_s) >= BUFFERED_ARRIVALS:
            self._flush()

    def observe_many(self, functions: NDArray[np.int64], at_s: NDArray[np.float64]) -> None:
        """Note arrivals in order of time.

        Raises
        ------
        IndexError
            If a function is not known.
        """
        self._flush()
        if functions.size == 0:
            return
        if functions.min() < 0 or functions.max() >= self.count:
            msg = f"functions: {functions.min()}..{functions.max()} not in 0..{self.count - 1}"
            raise IndexError(msg)
        self._take(functions, at_s)

    def forecast(
        self, now_s: float, horizon_s: float, rows: NDArray[np.int64] | None = None
    ) -> Forecast:
        """Forecast the arrivals in (now, now + horizon] of the functions in ``rows``.

        Without ``rows`` of every function.

        Raises
        ------
        ValueError
            If the horizon is not positive.
        """
        if not horizon_s > 0:
            msg = f"horizon_s: {horizon_s} is not positive"
            raise ValueError(msg)
        self._flush()
        if rows is None:
            rows = np.arange(self.count)
        at_least = self._answer(now_s, horizon_s, rows)
        return Forecast(at_least, self.levels, self._next_arrival_s(now_s, rows))

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return all that was learnt, as named arrays."""
        self._flush()
        return {name: known.copy() for name, known in self._state.items()}

    def load_state_dict(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what an equally constructed predictor had learnt.

        Raises
        ------
        ValueError
            If the arrays are not those of this predictor.
        """
        fields = self._all_fields()
        if set(state) != set(fields):
            msg = f"state: fields {sorted(state)}, expected {sorted(fields)}"
            raise ValueError(msg)
        counts = {known.shape[0] for known in state.values()}
        for name, field in fields.items():
            if state[name].shape[1:] != field.shape or len(counts) != 1:
                msg = f"state: {name} has shape {state[name].shape}, expected (n, *{field.shape})"
                raise ValueError(msg)
        self._buffered_functions, self._buffered_at_s = [], []
        self._state = {name: state[name].astype(fields[name].dtype) for name in fields}
        self.count = counts.pop()

    def _answer(
        self, now_s: float, horizon_s: float, rows: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the chances for a forecast; those who learn from forecasts do so here."""
        return self._at_least(now_s, horizon_s, rows)

    def _flush(self) -> None:
        if not self._buffered_at_s:
            return
        functions = np.array(self._buffered_functions, np.int64)
        at_s = np.array(self._buffered_at_s, np.float64)
        self._buffered_functions, self._buffered_at_s = [], []
        self._take(functions, at_s)

    def _take(self, functions: NDArray[np.int64], at_s: NDArray[np.float64]) -> None:
        gap_s = _gaps_s(functions, at_s, self._state["first_s"], self._state["last_s"])
        self._fold(Calls(functions, at_s, gap_s))

    def _all_fields(self) -> dict[str, Field]:
        return {"first_s": Field(fill=np.inf), "last_s": Field(fill=-np.inf), **self._fields()}

    def _since_s(self, now_s: float) -> float:
        """Return when the first call of any function came."""
        return float(self._state["first_s"].min(initial=now_s))

    def _waited_s(self, now_s: float, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the time since the latest call, or since anything is known."""
        since_s = np.maximum(self._state["last_s"][rows], self._since_s(now_s))
        return np.asarray(np.maximum(now_s - since_s, 0.0))

    def _next_arrival_s(self, now_s: float, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        if not self.levels:
            return np.empty((len(rows), 0))
        return invert(lambda after_s: self._at_least(now_s, after_s, rows)[:, 0], self.levels)


@jit
def _gaps_s(
    functions: NDArray[np.int64],
    at_s: NDArray[np.float64],
    first_s: NDArray[np.float64],
    last_s: NDArray[np.float64],
) -> NDArray[np.float64]:
    gap_s = np.empty(len(functions))
    for i in range(len(functions)):
        function = functions[i]
        gap_s[i] = at_s[i] - last_s[function]
        first_s[function] = min(first_s[function], at_s[i])
        last_s[function] = at_s[i]
    return gap_s
