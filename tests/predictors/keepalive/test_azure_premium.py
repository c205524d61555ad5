"""Always-ready instances and the buffer."""

import pytest

from predictors.keepalive.azure_premium import AzurePremium
from tests.predictors.keepalive.traits import traits


@pytest.mark.parametrize(
    ("always_ready", "busy", "idle"),
    [
        (1, 0, 1),
        (1, 1, 1),
        (1, 5, 1),
        (5, 0, 5),
        (5, 1, 5),
        (5, 5, 1),
        (5, 6, 1),
        (0, 0, 0),
        (0, 1, 1),
    ],
)
def test_the_buffer_stands_by_once_there_are_calls(always_ready: int, busy: int, idle: int) -> None:
    policy = AzurePremium(always_ready=always_ready, prewarmed=1)
    policy.add(traits())
    assert policy.idle_target(0, busy) == idle


def test_what_was_added_by_scaling_out_goes_again() -> None:
    policy = AzurePremium()
    policy.add(traits())
    assert policy.lifetime(0, 1.0).keep_alive_s == 600.0
