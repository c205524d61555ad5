"""What the simulated runtime adds to the contract: libraries that functions share, and time."""

import math

import pytest

from executor import events as ev
from executor.actions import Load, Offload, Run, StartInstance
from executor.domain import Profile, Tier
from executor.drivers.sim import EventHeap
from executor.runtimes.sim import SimRuntime
from executor.runtimes.sim_costs import SimCosts
from executor.runtimes.sim_libraries import SimLibrary
from executor.units import MIB

PROFILE = Profile(import_s=0.25, load_s=0.25, memory_bytes=40 * MIB, library_bytes=100 * MIB)
OTHER = Profile(import_s=0.25, load_s=0.25, memory_bytes=100 * MIB, library_bytes=60 * MIB)
TORCH, JAX = SimLibrary("torch", 1.0, 100 * MIB), SimLibrary("jax", 2.0, 60 * MIB)


class World:
    """An instance of 200 MiB in which ``a`` and ``b`` share a library and ``c`` has another."""

    def __init__(self, cores: float = math.inf) -> None:
        self.timer = EventHeap()
        self.events: list[ev.Event] = []
        costs = SimCosts(
            {"a": PROFILE, "b": PROFILE, "c": OTHER},
            lambda _call, _function: 0.5,
            libraries={"a": TORCH, "b": TORCH, "c": JAX},
            first_call_s={"a": 0.125},
            cores=cores,
        )
        self.runtime = SimRuntime(self.timer, costs, self.events.extend)
        self.runtime.submit(StartInstance("i", "w", "o", 200 * MIB))
        self.take()

    def take(self) -> list[ev.Event]:
        """Let ten seconds pass and return what happened."""
        self.timer.run(self.timer.now_s() + 10.0)
        events, self.events[:] = list(self.events), []
        return events

    def load(self, function: str) -> float:
        """Return the seconds that a load takes."""
        begun_s = self.timer.now_s()
        self.runtime.submit(Load("i", function, Tier.HOST))
        (loaded,) = (one for one in self.take() if isinstance(one, ev.Loaded))
        return loaded.at_s - begun_s

    def run(self, function: str) -> tuple[float, float]:
        """Return the seconds until a call's inference begins, and those that it takes."""
        begun_s = self.timer.now_s()
        self.runtime.submit(Run("c", "i", function, Tier.HOST, begun_s + 60.0))
        events = self.take()
        (started,) = (one for one in events if isinstance(one, ev.Started))
        (completed,) = (one for one in events if isinstance(one, ev.Completed))
        return started.at_s - begun_s, completed.at_s - started.at_s


def test_a_library_is_imported_once_an_instance() -> None:
    world = World()
    assert world.load("a") == pytest.approx(1.5)
    assert world.load("b") == pytest.approx(0.5)


def test_a_load_that_comes_during_the_import_waits_for_the_rest_of_it() -> None:
    world = World()
    begun_s = world.timer.now_s()
    world.runtime.submit(Load("i", "a", Tier.HOST))
    world.timer.run(begun_s + 0.75)
    world.runtime.submit(Load("i", "b", Tier.HOST))
    ready_s = [one.at_s - begun_s for one in world.take() if isinstance(one, ev.Loaded)]
    assert ready_s == pytest.approx([1.5, 1.5])


def test_a_library_outlives_its_functions_and_is_told_of() -> None:
    world = World()
    world.runtime.submit(Load("i", "a", Tier.HOST))
    measured = [one for one in world.take() if isinstance(one, ev.Measured)]
    assert [one.library_bytes for one in measured] == [{"torch": 100 * MIB}]
    world.runtime.submit(Offload("i", "a"))
    world.take()
    assert world.run("b") == pytest.approx((0.5, 0.5))


def test_a_library_goes_when_its_room_is_needed() -> None:
    world = World()
    world.load("a")
    world.runtime.submit(Offload("i", "a"))
    world.take()
    world.runtime.submit(Load("i", "c", Tier.HOST))
    measured = [one.library_bytes for one in world.take() if isinstance(one, ev.Measured)]
    assert measured == [{}, {"jax": 60 * MIB}]


def test_the_first_call_after_a_load_takes_longer() -> None:
    world = World()
    world.load("a")
    assert world.run("a") == pytest.approx((0.0, 0.625))
    assert world.run("a") == pytest.approx((0.0, 0.5))


@pytest.mark.parametrize(("cores", "expected"), [(math.inf, 0.02), (2, 0.02), (1, 0.04)])
def test_functions_in_the_way_are_removed_by_as_many_cores_as_there_are(
    cores: float, expected: float
) -> None:
    world = World(cores)
    for function in "aba":
        world.load(function)
    world.runtime.submit(Load("i", "c", Tier.HOST))
    world.take()
    to_start_s, _ = world.run("c")
    assert to_start_s == pytest.approx(expected)
