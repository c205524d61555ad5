from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.drivers.sim import EventHeap
from executor.runtimes.sim_cores import SharedCores

Job = tuple[float, float]


def ends(jobs: list[Job], cores: float, crowding: float = 1.0) -> list[float]:
    """Return when jobs end, given by when they begin and the work in them."""
    timer = EventHeap()
    shared = SharedCores(timer, cores, crowding)
    done = [0.0] * len(jobs)

    def begin(number: int, work_s: float) -> None:
        shared.at(shared.now_s() + work_s, lambda: done.__setitem__(number, timer.now_s()))

    for number, (at_s, work_s) in enumerate(jobs):
        timer.at(at_s, partial(begin, number, work_s))
    timer.run(1e6)
    return done


@pytest.mark.parametrize(
    ("jobs", "cores", "expected"),
    [
        ([(0, 2), (0, 2)], 2, [2, 2]),
        ([(0, 2), (0, 2)], 1, [4, 4]),
        ([(0, 1), (0, 2), (0, 3)], 2, [1.5, 2.5, 3.5]),
        ([(0, 4), (2, 1)], 1, [5, 4]),
        ([(3, 1)], 2, [4]),
    ],
)
def test_work_shares_cores_equally(jobs: list[Job], cores: float, expected: list[float]) -> None:
    assert ends(jobs, cores) == pytest.approx(expected)


def test_work_takes_longer_while_no_core_is_idle() -> None:
    assert ends([(0, 2), (1, 1)], cores=2, crowding=1.5) == pytest.approx([2.5, 2.5])


SECONDS = st.floats(0, 10)


@given(st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=12), st.integers(1, 3))
def test_no_work_is_lost_or_hurried(jobs: list[Job], cores: int) -> None:
    found = ends(jobs, cores)
    for (at_s, work_s), end_s in zip(jobs, found, strict=True):
        assert end_s >= at_s + work_s - 1e-6
    latest_s = max(at_s for at_s, _ in jobs) + sum(work_s for _, work_s in jobs)
    assert max(found) <= latest_s + 1e-6


@given(st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=12))
def test_enough_cores_take_nothing_longer(jobs: list[Job]) -> None:
    assert ends(jobs, len(jobs)) == pytest.approx([at_s + work_s for at_s, work_s in jobs])
