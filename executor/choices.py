"""What the configuration may choose from: keep-alive policies and arrival predictors, by name."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from executor.config import ArrivalSection, KeepAliveSection
from predictors.arrival.ewma import EwmaPredictor
from predictors.arrival.histogram import HistogramPredictor
from predictors.arrival.mixture import MixturePredictor
from predictors.arrival.neural import NeuralPredictor
from predictors.arrival.poisson import PoissonPredictor
from predictors.arrival.protocol import ArrivalPredictor
from predictors.arrival.renewal import RenewalPredictor
from predictors.arrival.seasonal import SeasonalPredictor
from predictors.keepalive.azure_premium import AzurePremium
from predictors.keepalive.faascache import FaasCache
from predictors.keepalive.fixed import AlwaysOn, FixedKeepAlive, NoKeepAlive
from predictors.keepalive.histogram import HybridHistogram
from predictors.keepalive.openwhisk import OpenWhisk
from predictors.keepalive.pagurus import Pagurus
from predictors.keepalive.protocol import KeepAlivePolicy

POLICIES: Final[Mapping[str, Callable[[KeepAliveSection], KeepAlivePolicy]]] = {
    "fixed": lambda section: FixedKeepAlive(section.idle_s),
    "openwhisk": lambda _: OpenWhisk(),
    "histogram": lambda _: HybridHistogram(),
    "faascache": lambda _: FaasCache(),
    "pagurus": lambda section: Pagurus(np.random.default_rng(section.seed)),
    "azure_premium": lambda _: AzurePremium(),
    "none": lambda _: NoKeepAlive(),
    "always_on": lambda _: AlwaysOn(),
}

PREDICTORS: Final[Mapping[str, Callable[[ArrivalSection], ArrivalPredictor]]] = {
    "mixture": lambda _: MixturePredictor(),
    "poisson": lambda section: PoissonPredictor(section.window_s),
    "ewma": lambda _: EwmaPredictor(),
    "histogram": lambda _: HistogramPredictor(),
    "renewal": lambda _: RenewalPredictor(),
    "seasonal": lambda _: SeasonalPredictor(),
    "neural": lambda _: NeuralPredictor(),
}
