"""The bodies of open calls, which pass by the controller: it decides, it does not carry data."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Payload:
    """A request or an answer in Open Inference Protocol form.

    ``header`` is the JSON object; ``binary`` the concatenated binary tensors it announces by
    ``binary_data_size`` (empty when all tensors are in the JSON).
    """

    header: bytes
    binary: bytes = b""


class Calls(Protocol):
    """What a live runtime needs of the open calls."""

    def request(self, invocation_id: str) -> Payload:
        """Return the body of an open call; KeyError when it is not open."""

    def answer(self, invocation_id: str, payload: Payload) -> None:
        """Hand over the answer, before ``Completed`` is emitted; ignored when no longer open."""


@dataclass(slots=True)
class CallTable:
    """The open calls of one server, in memory."""

    _requests: dict[str, Payload] = field(default_factory=dict)
    _answers: dict[str, Payload] = field(default_factory=dict)

    def open(self, invocation_id: str, payload: Payload) -> None:
        """Register a call."""
        self._requests[invocation_id] = payload

    def request(self, invocation_id: str) -> Payload:
        """Return the body of an open call; KeyError when it is not open."""
        return self._requests[invocation_id]

    def answer(self, invocation_id: str, payload: Payload) -> None:
        """Hand over the answer; ignored when the call is no longer open."""
        if invocation_id in self._requests:
            self._answers[invocation_id] = payload

    def close(self, invocation_id: str) -> Payload | None:
        """Forget a call and return its answer, if there is one."""
        self._requests.pop(invocation_id, None)
        return self._answers.pop(invocation_id, None)
