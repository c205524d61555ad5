"""The hybrid histogram policy of Azure Functions.

Source: Shahrad et al., "Serverless in the Wild: Characterizing and Optimizing the Serverless
Workload at a Large Cloud Provider", USENIX ATC 2020. Where the paper names no number the docstrings
say so.
"""

from predictors.keepalive.base import BasePolicy
from predictors.keepalive.forecast_gap import forecast_gap
from predictors.keepalive.idle_times import BIN_S, BINS, IdleTimes
from predictors.keepalive.protocol import FunctionTraits, Lifetime

MARGIN = 0.10
"""The head is cut and the tail extended by this share."""
HEAD_PERCENT = 5
TAIL_PERCENT = 99
"""Percentiles of the idle times that bound the keep-alive window."""
LEAST_VARIATION = 2.0
"""Below this coefficient of variation of the bin counts a histogram is not representative; the
value is that of the paper's evaluation."""
MOSTLY = 0.5
"""Share of idle times out of bounds above which the series is forecast; the paper says "most"."""
FORECAST_MARGIN = 0.15
"""Margin on either side of a forecast idle time."""
LEAST_SAMPLES = 5
"""Idle times needed to trust a histogram; the paper says "enough" and names no number."""


class HybridHistogram(BasePolicy):
    """Unloads a function after its call and loads it again shortly before the next is due.

    Idle times of each function are counted in a histogram of 240 bins of a minute, and beside it
    those that are longer. Three cases:

    * most were longer than the histogram reaches: the next is forecast with ARIMA; the instance
      goes, comes back at 0.85 of the forecast and stays until 1.15 of it;
    * the histogram is representative: the instance goes, comes back at 0.9 of the 5th percentile
      (a percentile is the edge of its bin: the lower for the head, the upper for the tail) and
      stays until 1.1 of the 99th; with a head in the first bin it does not go at all;
    * otherwise the instance stays for as long as the histogram reaches.

    An idle time is the gap between arrivals, as in the paper's evaluation, which takes execution
    to last no time.
    """

    def __init__(self) -> None:
        super().__init__()
        self._idle: list[IdleTimes] = []

    def add(self, traits: FunctionTraits) -> int:
        """Take a new function in and return its index."""
        self._idle.append(IdleTimes())
        return super().add(traits)

    def observe(self, function: int, at_s: float) -> None:
        """Count the idle time that this call ends."""
        self._idle[function].observe(at_s)

    def lifetime(self, function: int, at_s: float, *, rented: bool = False) -> Lifetime:  # noqa: ARG002
        """Choose the windows by what is known of the function."""
        idle = self._idle[function]
        if idle.lifetime is None:
            idle.lifetime = _windows(idle)
        return idle.lifetime


def _windows(idle: IdleTimes) -> Lifetime:
    if idle.count > 0 and idle.beyond > MOSTLY * idle.count:
        gap_s = forecast_gap(idle.series_s)
        return _between((1 - FORECAST_MARGIN) * gap_s, (1 + FORECAST_MARGIN) * gap_s)
    if idle.count >= LEAST_SAMPLES and idle.variation() >= LEAST_VARIATION:
        head_s = idle.bin_of(HEAD_PERCENT) * BIN_S
        tail_s = (idle.bin_of(TAIL_PERCENT) + 1) * BIN_S
        return _between((1 - MARGIN) * head_s, (1 + MARGIN) * tail_s)
    return Lifetime(BINS * BIN_S)


def _between(from_s: float, until_s: float) -> Lifetime:
    return Lifetime(until_s - from_s, prewarm_after_s=from_s)
