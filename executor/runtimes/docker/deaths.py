"""Follows the deaths of containers on an engine, in a thread of its own."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from docker.errors import DockerException
from requests.exceptions import RequestException

_RETRY_S = 1.0
_DEAD = ("exited", "dead", "removing")


class Deaths:
    """The stream of an engine's events; it comes back by itself when it breaks.

    Parameters
    ----------
    api
        The engine's client.
    label
        Of the containers to follow.
    seen
        Is told, on the loop, that the stream has broken (False), and that it is there again.
    """

    def __init__(self, api: Any, label: str, seen: Callable[[bool], None]) -> None:
        self._api = api
        self._label = label
        self._seen = seen
        self._loop = asyncio.get_running_loop()
        self._awaited: dict[str, asyncio.Future[None]] = {}
        self._answers = True
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True, name="docker-deaths")

    def open(self) -> None:
        """Begin to follow; blocks until the engine has answered."""
        self._stream = self._events()
        self._thread.start()

    def close(self) -> None:
        """Follow no more; blocks until the thread has ended."""
        self._closed.set()
        with suppress(OSError):
            self._stream.close()
        self._thread.join()

    def of(self, container: str) -> asyncio.Future[None]:
        """Return what is done when a container, which has not been started yet, has died."""
        return self._awaited.setdefault(container, self._loop.create_future())

    def forget(self, container: str) -> None:
        """Follow a container no longer."""
        self._awaited.pop(container, None)

    def _events(self) -> Any:
        wanted = {"label": self._label, "type": "container", "event": "die"}
        return self._api.events(decode=True, filters=wanted)

    def _follow(self) -> None:
        while not self._closed.is_set():
            for event in self._stream:
                self._loop.call_soon_threadsafe(self._died, event["Actor"]["ID"])
            if not self._closed.is_set():
                self._turned(answers=False)
            if not self._closed.wait(_RETRY_S):
                self._reconnect()

    def _reconnect(self) -> None:
        """Open the stream anew, and find out who has died meanwhile."""
        with suppress(DockerException, RequestException):
            self._stream = self._events()
            self._turned(answers=True)
            awaited = list(self._awaited)
            found = self._api.containers(all=True, filters={"label": self._label})
            alive = {one["Id"] for one in found if one["State"] not in _DEAD}
            for container in awaited:
                if container not in alive:
                    self._loop.call_soon_threadsafe(self._died, container)

    def _turned(self, *, answers: bool) -> None:
        if answers != self._answers:
            self._answers = answers
            self._loop.call_soon_threadsafe(self._seen, answers)

    def _died(self, container: str) -> None:
        dead = self._awaited.pop(container, None)
        if dead is not None and not dead.done():
            dead.set_result(None)
