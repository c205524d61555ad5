"""What is expected of a function hardly known."""

import numpy as np

from predictors.arrival.prior import survival


def test_survival_falls_from_one_and_its_hazard_falls_too() -> None:
    times_s = np.geomspace(0.1, 1e6, 50)
    survivals = np.array([survival(float(time_s)) for time_s in times_s])
    assert survival(0.0) == 1.0
    assert np.all(np.diff(survivals) < 0)
    hazards = -np.diff(np.log(survivals)) / np.diff(times_s)
    assert np.all(np.diff(hazards) < 0)
