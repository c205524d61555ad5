"""What an arrival predictor is: calls go in, chances of calls come out."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from predictors.arrival.forecast import Forecast


class ArrivalPredictor(Protocol):
    """Forecasts the arrivals of all functions at once.

    Functions are 0..n-1. Constructors only store parameters. Times are seconds on one clock whose
    zero is midnight (UTC) of some day, and never go back. A forecast depends on nothing but the
    calls observed and the forecasts asked for before it.
    """

    def resize(self, count: int) -> None:
        """Know ``count`` functions from now on; new ones have no past. Shrinking is refused."""
        ...

    def observe(self, function: int, at_s: float) -> None:
        """Note one arrival; a constant, small amount of work."""
        ...

    def observe_many(self, functions: NDArray[np.int64], at_s: NDArray[np.float64]) -> None:
        """Note arrivals in order of time; the same as ``observe`` on each."""
        ...

    def forecast(
        self, now_s: float, horizon_s: float, rows: NDArray[np.int64] | None = None
    ) -> Forecast:
        """Forecast the arrivals in (now, now + horizon] of some functions, or of every one."""
        ...

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return all that was learnt, as named arrays."""
        ...

    def load_state_dict(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over what an equally constructed predictor had learnt."""
        ...
