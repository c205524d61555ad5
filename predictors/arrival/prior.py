"""What to expect of a function about which little is known.

The gap until the next call has the survival (1 + t / SCALE_S)^-SHAPE, a Lomax distribution: the
hazard falls in inverse proportion to the time waited. The constants follow the chances of a call
seen in the Azure Functions 2019 traces (Shahrad et al., "Serverless in the Wild", USENIX ATC 2020)
for functions with one to three earlier calls.
"""

import numpy as np

from predictors.arrival.jit import jit

SHAPE = 0.3
SCALE_S = 60.0


@jit
def survival(after_s: float) -> float:
    """Return the chance that a gap is longer than ``after_s``."""
    return float(np.exp(-SHAPE * np.log1p(after_s / SCALE_S)))
