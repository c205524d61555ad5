"""What functions in one container cost each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.hazard import Exposed, hazard_s

HORIZON_S = 10.0


def exposed(*ones: tuple[float, float, bool]) -> Exposed:
    likely, load_s, shares = zip(*ones, strict=True)
    return Exposed(np.array(likely), np.array(load_s), np.array(shares))


def lost_s(modes: Exposed, *held: tuple[int, int], instances: int = 2) -> np.ndarray:
    in_place = np.array(held, np.int32).reshape(-1, 2)
    every = np.argwhere(np.ones((len(modes.likely), instances)))
    return hazard_s(modes, in_place, every, instances, HORIZON_S).reshape(-1, instances)


def test_both_lose_half_a_reload_for_each_call_of_the_other_that_precedes_theirs() -> None:
    modes = exposed((0.5, 2.0, False), (0.4, 3.0, False))
    lost = lost_s(modes, (1, 0))
    assert lost[0, 0] == pytest.approx(0.5 * 0.4 * (2.0**2 + 3.0**2) / (2 * HORIZON_S))
    assert lost[0, 1] == 0.0


def test_functions_that_share_a_container_take_nothing_from_each_other() -> None:
    modes = exposed((0.5, 2.0, True), (0.4, 3.0, True), (0.4, 3.0, False))
    assert lost_s(modes, (1, 0))[0, 0] == 0.0
    assert lost_s(modes, (1, 0))[2, 0] > 0.0
    assert lost_s(modes, (2, 0))[0, 0] > 0.0


@given(
    st.lists(
        st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 60.0), st.booleans()), min_size=2, max_size=5
    )
)
def test_the_more_is_held_the_more_is_lost(ones: list[tuple[float, float, bool]]) -> None:
    modes = exposed(*ones)
    held = [(mode, 0) for mode in range(len(ones))]
    few, many = lost_s(modes, *held[:-1]), lost_s(modes, *held)
    assert np.all(few >= 0.0)
    assert np.all(many >= few)
