"""What every runtime keeps to; see ``executor.runtimes.protocol``."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import pytest

from executor import events as ev
from executor.actions import CancelRun, Load, Offload, Run, StartInstance, StopInstance
from executor.domain import Tier
from tests.contracts.runtimes import MAKERS, MARKS, Harness
from tests.executor.runtimes.worlds import LIMIT_BYTES, request

pytestmark = pytest.mark.anyio

Kind = TypeVar("Kind", bound=ev.Event)
FOREVER_S = 60.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=[pytest.param(name, marks=MARKS.get(name, ())) for name in MAKERS])
async def harness(
    request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str
) -> AsyncIterator[Harness]:
    async with MAKERS[request.param](tmp_path) as made:
        yield made


async def expect(harness: Harness, kind: type[Kind]) -> Kind:
    """Return the next event, which must be of a kind; measurements may come at any time."""
    event = await harness.next_event()
    while isinstance(event, ev.Measured):
        event = await harness.next_event()
    assert isinstance(event, kind), event
    return event


async def started(harness: Harness, instance_id: str = "i1") -> None:
    harness.submit(StartInstance(instance_id, "w", "o", LIMIT_BYTES))
    assert (await expect(harness, ev.InstanceReady)).instance_id == instance_id


async def loaded(harness: Harness, function: str) -> ev.LoadReport:
    harness.submit(Load("i1", function, Tier.HOST))
    event = await expect(harness, ev.Loaded)
    assert (event.instance_id, event.function, event.tier) == ("i1", function, Tier.HOST)
    return event.report


def run(
    harness: Harness,
    function: str,
    call: str = "c1",
    timeout_s: float = FOREVER_S,
    keep: frozenset[str] = frozenset(),
    instance_id: str = "i1",
) -> None:
    harness.calls.open(call, request())
    deadline_s = harness.now_s() + timeout_s
    harness.submit(Run(call, instance_id, function, Tier.HOST, deadline_s, keep))


async def served(harness: Harness, call: str = "c1") -> ev.Started:
    begun = await expect(harness, ev.Started)
    assert begun.invocation_id == call
    done = await expect(harness, ev.Completed)
    assert (done.invocation_id, done.instance_id) == (call, "i1")
    return begun


async def test_an_instance_starts_and_stops(harness: Harness) -> None:
    await started(harness)
    harness.submit(StopInstance("i1"))
    assert (await expect(harness, ev.InstanceGone)).error is None


async def test_stopping_what_is_not_there_is_success(harness: Harness) -> None:
    harness.submit(StopInstance("i9"))
    gone = await expect(harness, ev.InstanceGone)
    assert (gone.instance_id, gone.error) == ("i9", None)


async def test_a_load_reports_what_it_took(harness: Harness) -> None:
    await started(harness)
    report = await loaded(harness, "echo")
    assert report.import_s > 0
    assert report.load_s > 0
    assert report.memory_bytes > 0


async def test_loading_what_is_loaded_is_answered_again(harness: Harness) -> None:
    await started(harness)
    first = await loaded(harness, "echo")
    again = await loaded(harness, "echo")
    assert (again.import_s, again.load_s) == (first.import_s, first.load_s)


async def test_an_offload_is_confirmed(harness: Harness) -> None:
    await started(harness)
    await loaded(harness, "echo")
    harness.submit(Offload("i1", "echo"))
    gone = await expect(harness, ev.Offloaded)
    assert (gone.function, gone.error) == ("echo", None)


async def test_offloading_what_is_not_loaded_is_success(harness: Harness) -> None:
    await started(harness)
    harness.submit(Offload("i1", "echo"))
    assert (await expect(harness, ev.Offloaded)).error is None


async def test_offloading_what_is_loading_fails_the_load(harness: Harness) -> None:
    await started(harness)
    harness.submit(Load("i1", "stuck", Tier.HOST))
    harness.submit(Offload("i1", "stuck"))
    assert not (await expect(harness, ev.LoadFailed)).blame
    assert (await expect(harness, ev.Offloaded)).error is None


async def test_a_resident_function_serves_a_call_without_loading(harness: Harness) -> None:
    await started(harness)
    await loaded(harness, "echo")
    run(harness, "echo")
    assert (await served(harness)).report is None


async def test_a_call_loads_its_function_itself(harness: Harness) -> None:
    await started(harness)
    run(harness, "echo")
    report = (await served(harness)).report
    assert report is not None
    assert report.memory_bytes > 0
    run(harness, "echo", "c2")
    assert (await served(harness, "c2")).report is None


async def test_a_call_joins_a_load_under_way(harness: Harness) -> None:
    await started(harness)
    harness.submit(Load("i1", "echo", Tier.HOST))
    run(harness, "echo")
    await expect(harness, ev.Loaded)
    assert (await served(harness)).report is not None


async def test_a_call_takes_the_others_away_first(harness: Harness) -> None:
    await started(harness)
    await loaded(harness, "twin")
    await loaded(harness, "echo")
    run(harness, "echo")
    gone = await expect(harness, ev.Offloaded)
    assert (gone.function, gone.error) == ("twin", None)
    await served(harness)


async def test_a_call_takes_away_what_is_loading(harness: Harness) -> None:
    await started(harness)
    await loaded(harness, "echo")
    harness.submit(Load("i1", "stuck", Tier.HOST))
    run(harness, "echo")
    assert not (await expect(harness, ev.LoadFailed)).blame
    assert (await expect(harness, ev.Offloaded)).function == "stuck"
    await served(harness)


async def test_a_call_keeps_what_it_is_told_to_keep(harness: Harness) -> None:
    await started(harness)
    await loaded(harness, "twin")
    run(harness, "echo", keep=frozenset({"twin"}))
    await served(harness)
    run(harness, "twin", "c2", keep=frozenset({"echo"}))
    assert (await served(harness, "c2")).report is None


async def test_a_load_during_a_call_is_refused(harness: Harness) -> None:
    await started(harness)
    run(harness, "hang")
    await expect(harness, ev.Started)
    harness.submit(Load("i1", "echo", Tier.HOST))
    refused = await expect(harness, ev.LoadFailed)
    assert (refused.function, refused.blame) == ("echo", False)


async def test_a_cancelled_call_takes_its_function_with_it(harness: Harness) -> None:
    await started(harness)
    run(harness, "hang")
    await expect(harness, ev.Started)
    harness.submit(CancelRun("c1", "i1"))
    failed = await expect(harness, ev.Failed)
    assert (failed.invocation_id, failed.kind) == ("c1", ev.FailureKind.CANCELLED)
    run(harness, "echo", "c2")
    await served(harness, "c2")


async def test_cancelling_what_has_ended_says_nothing(harness: Harness) -> None:
    await started(harness)
    run(harness, "echo")
    await served(harness)
    harness.submit(CancelRun("c1", "i1"))
    await loaded(harness, "echo")


async def test_a_call_ends_at_its_deadline(harness: Harness) -> None:
    await started(harness)
    await loaded(harness, "hang")
    run(harness, "hang", timeout_s=0.2)
    await expect(harness, ev.Started)
    failed = await expect(harness, ev.Failed)
    assert (failed.invocation_id, failed.kind) == ("c1", ev.FailureKind.DEADLINE)


async def test_the_end_of_a_dying_instance_answers_its_open_actions(harness: Harness) -> None:
    await started(harness)
    run(harness, "hang")
    await expect(harness, ev.Started)
    harness.kill("i1")
    gone = await expect(harness, ev.InstanceGone)
    assert gone.instance_id == "i1"
    assert gone.error


async def test_a_stopped_instance_takes_its_call_with_it(harness: Harness) -> None:
    await started(harness)
    run(harness, "hang")
    await expect(harness, ev.Started)
    harness.submit(StopInstance("i1"))
    event = await harness.next_event()
    if isinstance(event, ev.Failed):
        assert (event.invocation_id, event.kind) == ("c1", ev.FailureKind.CRASH)
        event = await harness.next_event()
    assert isinstance(event, ev.InstanceGone)
    assert event.error is None


async def test_an_instance_that_is_not_there_refuses_all(harness: Harness) -> None:
    harness.submit(Load("i9", "echo", Tier.HOST))
    assert not (await expect(harness, ev.LoadFailed)).blame
    harness.submit(Offload("i9", "echo"))
    assert (await expect(harness, ev.Offloaded)).error is None
    run(harness, "echo", instance_id="i9")
    assert (await expect(harness, ev.Failed)).kind is ev.FailureKind.CRASH
    harness.submit(CancelRun("c1", "i9"))
    await started(harness)


async def test_instances_do_not_disturb_each_other(harness: Harness) -> None:
    await started(harness)
    await started(harness, "i2")
    run(harness, "hang", instance_id="i2")
    assert (await expect(harness, ev.Started)).instance_id == "i2"
    run(harness, "echo", "c2")
    await served(harness, "c2")
    harness.kill("i2")
    assert (await expect(harness, ev.InstanceGone)).instance_id == "i2"
    run(harness, "echo", "c3")
    await served(harness, "c3")
