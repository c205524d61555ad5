import math

from executor.backlog import Backlog
from executor.domain import Invocation, StartKind


def call(id_: str, at_s: float = 0.0) -> Invocation:
    return Invocation(id_, "f", at_s, at_s + 10.0)


def test_calls_wait_in_order_of_arrival_and_may_be_dispatched_on_the_way() -> None:
    backlog = Backlog()
    for id_ in "abc":
        backlog.open(call(id_))
    seen = []
    for one in backlog.waiting():
        seen.append(one.invocation.id)
        backlog.dispatch(one, "i1", StartKind.HOST, 1.0)
    assert seen == ["a", "b", "c"]
    assert backlog.waiting_count == 0
    assert len(backlog) == 3


def test_a_requeued_call_goes_before_those_that_came_later() -> None:
    backlog = Backlog()
    first = backlog.open(call("a"))
    backlog.dispatch(first, "i1", StartKind.HOST, 1.0)
    backlog.open(call("b"))
    backlog.requeue(first)
    assert [one.invocation.id for one in backlog.waiting()] == ["a", "b"]


def test_the_next_deadline_is_that_of_waiting_calls_only() -> None:
    backlog = Backlog()
    first = backlog.open(call("a", 0.0))
    backlog.open(call("b", 5.0))
    assert backlog.next_deadline_s() == 10.0
    backlog.dispatch(first, "i1", StartKind.HOST, 1.0)
    assert backlog.next_deadline_s() == 15.0
    backlog.close(first)
    assert Backlog().next_deadline_s() == math.inf


def test_timings_add_up_to_the_latency() -> None:
    backlog = Backlog()
    one = backlog.open(call("a", 2.0))
    backlog.dispatch(one, "i1", StartKind.COLD, 3.0)
    one.started_s = 4.5
    timings = one.timings(5.0)
    assert (timings.wait_s, timings.loading_s, timings.run_s) == (1.0, 1.5, 0.5)
