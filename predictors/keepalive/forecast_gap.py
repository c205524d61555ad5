"""The next idle time of a function whose calls are hours apart, by ARIMA.

Source: Shahrad et al., USENIX ATC 2020, who fit with ``auto_arima``. Here the order is
the one of least AIC among p, q <= 1 and d <= 1: series are short, since a value comes at most every
four hours.
"""

import warnings
from collections.abc import Sequence
from itertools import product

LEAST_SERIES = 4
"""Values needed to fit; with fewer the forecast is their mean."""


def forecast_gap(series_s: Sequence[float]) -> float:
    """Return the expected next value of a series of positive seconds."""
    if len(series_s) < LEAST_SERIES or min(series_s) == max(series_s):
        return sum(series_s) / len(series_s)
    return max(0.0, _arima(series_s))


def _arima(series_s: Sequence[float]) -> float:
    from statsmodels.tsa.arima.model import ARIMA  # type: ignore[import-untyped]
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    # On matrices this small the threads of a BLAS do nothing but spin.
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        warnings.simplefilter("ignore")
        fits = [
            ARIMA(series_s, order=(p, d, q), trend="t" if d else "c").fit()
            for p, d, q in product((0, 1), repeat=3)
        ]
    best = min(fits, key=lambda fit: float(fit.aic))
    return float(best.forecast(1)[0])
