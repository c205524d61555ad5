"""The stream of deaths, and what happens when it breaks."""

import asyncio
import threading
from typing import Any

import pytest

from executor.runtimes.docker.deaths import Deaths


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Stream:
    """Events that end when it is closed, or after those given."""

    def __init__(self, dead: list[str], *, ends: bool) -> None:
        self._events = [{"Actor": {"ID": one}} for one in dead]
        self._end = threading.Event()
        if ends:
            self._end.set()

    def __iter__(self) -> Any:
        yield from self._events
        self._end.wait()

    def close(self) -> None:
        self._end.set()


class Engine:
    """An engine whose first stream breaks after one death."""

    def __init__(self, containers: list[dict[str, str]]) -> None:
        self._containers = containers
        self._streams = [Stream(["a"], ends=True), Stream([], ends=False)]

    def events(self, **_: Any) -> Stream:
        return self._streams.pop(0)

    def containers(self, **_: Any) -> list[dict[str, str]]:
        return self._containers


@pytest.mark.anyio
async def test_deaths_are_told_though_the_stream_breaks_and_so_is_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("executor.runtimes.docker.deaths._RETRY_S", 0.0)
    listed = [{"Id": "b", "State": "exited"}, {"Id": "c", "State": "created"}]
    seen: list[bool] = []
    deaths = Deaths(Engine(listed), "label", seen.append)
    a, b, c, d = (deaths.of(name) for name in "abcd")
    deaths.open()
    await asyncio.gather(a, b, d)
    assert not c.done()
    assert seen == [False, True]
    await asyncio.to_thread(deaths.close)
