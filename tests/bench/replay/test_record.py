"""What is taken down of a replay."""

import numpy as np
import pytest

from bench.replay.record import KINDS, Recorder
from executor import events as ev
from executor.actions import Finish, Load, Offload, Run, Served, StartInstance, Timings
from executor.domain import Invocation, StartKind, Tier
from executor.errors import DeadlineExceeded
from executor.units import GIB

REPORT = ev.LoadReport(1.0, 2.0, 3, move_s=0.5)
NOTHING: list[StartInstance] = []


def arrived(at_s: float) -> ev.Arrived:
    return ev.Arrived(at_s, Invocation("0", "f", at_s, at_s + 60.0))


def start(name: str, gib: int, reuses: str | None = None) -> StartInstance:
    return StartInstance(name, "w", "ann", gib * GIB, reuses=reuses)


def run(call: str, function: str = "f") -> Run:
    return Run(call, "i", function, Tier.HOST, 99.0)


def test_memory_is_held_from_the_order_to_start_until_an_instance_is_gone() -> None:
    recorder = Recorder(1)
    recorder.moment([arrived(10.0)], [start("a", 2), start("b", 1)])
    recorder.moment([ev.InstanceGone(40.0, "a")], [start("c", 4)])
    recorder.close(100.0)
    recorder.moment([ev.InstanceGone(200.0, "b")], NOTHING)
    assert recorder.gib_s == 2 * 30 + 1 * 90 + 4 * 60
    at_s = np.array([9.9, 10.0, 39.9, 40.0, 99.9])
    assert recorder.memory_gib(at_s).tolist() == [0.0, 3.0, 3.0, 5.0, 5.0]


def test_a_container_taken_over_is_counted_once() -> None:
    recorder = Recorder(1)
    recorder.moment([arrived(0.0)], [start("a", 2)])
    recorder.moment([arrived(10.0)], [start("b", 2, reuses="a")])
    recorder.moment([ev.InstanceGone(10.1, "a")], NOTHING)
    recorder.close(20.0)
    assert recorder.gib_s == 2 * 20
    assert recorder.memory_gib(np.array([5.0, 15.0])).tolist() == [2.0, 2.0]


def test_loads_ahead_count_from_the_order_to_their_end_also_when_they_fail() -> None:
    recorder = Recorder(1)
    recorder.moment([arrived(0.0)], [Load("i", "f", Tier.HOST), Load("i", "g", Tier.HOST)])
    recorder.moment([ev.Loaded(3.0, "i", "f", Tier.HOST, REPORT)], [Offload("i", "h")])
    recorder.moment([ev.LoadFailed(4.0, "i", "g", "taken away", blame=False)], NOTHING)
    assert (recorder.loads, recorder.offloads) == (1, 1)
    assert recorder.preload_cpu_s == 3.0 + 4.0
    assert recorder.on_call_cpu_s == 0.0


def test_a_call_that_loads_its_function_counts_what_the_function_says() -> None:
    recorder = Recorder(2)
    recorder.moment([arrived(0.0)], [run("0")])
    recorder.moment([ev.Started(3.5, "0", "i", REPORT)], NOTHING)
    recorder.moment([arrived(5.0)], [run("1")])
    recorder.moment([ev.Started(5.0, "1", "i")], NOTHING)
    assert recorder.on_call_cpu_s == 3.5
    assert recorder.preload_cpu_s == 0.0


def test_a_call_that_joins_a_load_does_not_count_it_again() -> None:
    recorder = Recorder(1)
    recorder.moment([arrived(0.0)], [Load("i", "f", Tier.HOST)])
    recorder.moment([arrived(1.0)], [run("0")])
    recorder.moment([ev.Loaded(3.0, "i", "f", Tier.HOST, REPORT)], NOTHING)
    recorder.moment([ev.Started(3.0, "0", "i", REPORT)], NOTHING)
    assert (recorder.preload_cpu_s, recorder.on_call_cpu_s) == (3.0, 0.0)


def test_calls_end_with_their_timings_or_without_an_answer() -> None:
    recorder = Recorder(3)
    recorder.finish(Finish("1", "f", Served(StartKind.HOST, "i", Timings(0.1, 0.2, 0.3))))
    recorder.finish(Finish("2", "f", DeadlineExceeded("late")))
    assert recorder.ends.tolist() == [0, 1, 1]
    assert recorder.kind.tolist() == [-1, KINDS.index(StartKind.HOST), -1]
    timings = recorder.wait_s[1], recorder.loading_s[1], recorder.run_s[1]
    assert timings == pytest.approx((0.1, 0.2, 0.3))
