"""GPUs for containers, on an engine that has none to give."""

import sys
from pathlib import Path

import pytest

from executor import events as ev
from executor.calls import CallTable
from executor.clock import since_midnight
from executor.errors import PermanentFailure
from executor.runtimes.docker import Address, DockerRuntime
from tests.executor.gpu.fakes import opened
from tests.executor.runtimes.containers import IMAGE, engine_url

pytestmark = [pytest.mark.anyio, pytest.mark.docker]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_an_engine_that_cannot_give_gpus_is_named_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[ev.Event] = []
    engines, python = {"w": Address(engine_url())}, Path(sys.executable)
    with opened(tmp_path, monkeypatch) as (gpus, keeper):
        runtime = DockerRuntime(
            {"f": gpus.package("f", tmp_path)},
            CallTable(),
            since_midnight(),
            tmp_path / "state",
            engines=engines,
            image=IMAGE,
            python=python,
            gpus={"w": keeper},
        )
        with pytest.raises(PermanentFailure, match="engine w cannot give GPUs to containers: "):
            await runtime.open(events.append)
    assert not events
    assert not list((tmp_path / "state").iterdir())
