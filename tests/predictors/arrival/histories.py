"""Histories for predictors."""

from collections.abc import Iterable
from typing import TypeVar

from predictors.arrival.base import BasePredictor

Predictor = TypeVar("Predictor", bound=BasePredictor)


def after(predictor: Predictor, times_s: Iterable[float], functions: int = 1) -> Predictor:
    """Let function 0 call at these times."""
    predictor.resize(functions)
    for at_s in times_s:
        predictor.observe(0, at_s)
    return predictor
