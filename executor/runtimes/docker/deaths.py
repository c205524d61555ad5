"""Follows the deaths of containers on an engine, in a thread of its own."""

import asyncio
import threading
import time
from contextlib import suppress
from typing import Any

from docker.errors import DockerException
from requests.exceptions import RequestException

_RETRY_S = 1.0


class Deaths:
    """The stream of an engine's events; it comes back by itself when it breaks.

    Parameters
    ----------
    api
        The engine's client.
    filters
        Which containers to follow.
    """

    def __init__(self, api: Any, filters: dict[str, str]) -> None:
        self._api = api
        self._filters = filters
        self._loop = asyncio.get_running_loop()
        self._awaited: dict[str, asyncio.Future[None]] = {}
        self._closed = threading.Event()
        self._stream = self._events(since_s=time.time())
        self._thread = threading.Thread(target=self._follow, daemon=True, name="docker-deaths")
        self._thread.start()

    def of(self, container: str) -> asyncio.Future[None]:
        """Return what is done when a container, which has not been started yet, has died."""
        return self._awaited.setdefault(container, self._loop.create_future())

    def forget(self, container: str) -> None:
        """Follow a container no longer."""
        self._awaited.pop(container, None)

    def close(self) -> None:
        """Follow no more."""
        self._closed.set()
        with suppress(OSError):
            self._stream.close()
        self._thread.join()

    def _events(self, since_s: float) -> Any:
        wanted = {**self._filters, "type": "container", "event": "die"}
        return self._api.events(since=since_s, decode=True, filters=wanted)

    def _follow(self) -> None:
        seen_s = time.time()
        while not self._closed.is_set():
            for event in self._stream:
                seen_s = event["timeNano"] / 1e9
                self._loop.call_soon_threadsafe(self._died, event["Actor"]["ID"])
            if not self._closed.wait(_RETRY_S):
                self._reconnect(seen_s)

    def _reconnect(self, seen_s: float) -> None:
        """Open the stream anew, and find out who died of what ended it."""
        with suppress(DockerException, RequestException):
            self._stream = self._events(since_s=seen_s)
            alive = {one["Id"] for one in self._api.containers(filters=self._filters)}
            self._loop.call_soon_threadsafe(self._only, alive)

    def _died(self, container: str) -> None:
        dead = self._awaited.pop(container, None)
        if dead is not None and not dead.done():
            dead.set_result(None)

    def _only(self, alive: set[str]) -> None:
        for container in self._awaited.keys() - alive:
            self._died(container)
