"""The predictors that the benchmark compares."""

from collections.abc import Callable, Mapping

from predictors.arrival.base import BasePredictor
from predictors.arrival.ewma import EwmaPredictor
from predictors.arrival.histogram import HistogramPredictor
from predictors.arrival.mixture import MixturePredictor
from predictors.arrival.neural import NeuralPredictor
from predictors.arrival.poisson import PoissonPredictor
from predictors.arrival.renewal import RenewalPredictor
from predictors.arrival.seasonal import SeasonalPredictor

CONTESTANTS: Mapping[str, Callable[[], BasePredictor]] = {
    "poisson": PoissonPredictor,
    "ewma": EwmaPredictor,
    "histogram": HistogramPredictor,
    "renewal": RenewalPredictor,
    "seasonal": SeasonalPredictor,
    "neural": NeuralPredictor,
    "mixture": MixturePredictor,
}
