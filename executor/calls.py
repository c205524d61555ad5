"""The bodies of open calls, which pass by the controller: it decides, it does not carry data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias


@dataclass(frozen=True)
class Payload:
    """A request or an answer in Open Inference Protocol form.

    ``header`` is the JSON object; ``binary`` the concatenated binary tensors it announces by
    ``binary_data_size`` (empty when all tensors are in the JSON).
    """

    header: bytes
    binary: bytes = b""


PartSink: TypeAlias = Callable[[Payload], None]
"""Takes the parts of an answer as they come."""


class Calls(Protocol):
    """What a live runtime needs of the open calls."""

    def request(self, invocation_id: str) -> Payload:
        """Return the body of an open call; KeyError when it is not open."""

    def answer(self, invocation_id: str, payload: Payload) -> None:
        """Hand over the answer, before ``Completed`` is emitted; ignored when no longer open.

        It is empty when all was handed over in parts.
        """

    def part(self, invocation_id: str, payload: Payload) -> None:
        """Hand over a part of the answer; ignored when no longer open."""


@dataclass
class CallTable:
    """The open calls of one server, in memory.

    Who takes no parts has the last one for the answer.
    """

    _requests: dict[str, Payload] = field(default_factory=dict)
    _answers: dict[str, Payload] = field(default_factory=dict)
    _sinks: dict[str, PartSink] = field(default_factory=dict)

    def open(self, invocation_id: str, payload: Payload, on_part: PartSink | None = None) -> None:
        """Register a call."""
        self._requests[invocation_id] = payload
        if on_part is not None:
            self._sinks[invocation_id] = on_part

    def request(self, invocation_id: str) -> Payload:
        """Return the body of an open call; KeyError when it is not open."""
        return self._requests[invocation_id]

    def answer(self, invocation_id: str, payload: Payload) -> None:
        """Hand over the answer; ignored when the call is no longer open."""
        whole = payload.header or invocation_id not in self._answers
        if invocation_id in self._requests and whole:
            self._answers[invocation_id] = payload

    def part(self, invocation_id: str, payload: Payload) -> None:
        """Hand over a part of the answer; ignored when the call is no longer open."""
        if invocation_id in self._sinks:
            self._sinks[invocation_id](payload)
        elif invocation_id in self._requests:
            self._answers[invocation_id] = payload

    def close(self, invocation_id: str) -> Payload | None:
        """Forget a call and return its answer, if there is one."""
        self._requests.pop(invocation_id, None)
        self._sinks.pop(invocation_id, None)
        return self._answers.pop(invocation_id, None)
