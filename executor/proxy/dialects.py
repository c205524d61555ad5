"""How function processes talk: handlers in frames, scripts in lines of JSON.

A dialect turns requests into bytes and bytes into messages. A process says ``Ready`` before each
request that it takes.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from .sdk.headstart.frames import Decoder, pack
from .sdk.headstart.messages import (
    Request,
    decode_request,
    decode_tensors,
    encode_answer,
    encode_request,
)


@dataclass(frozen=True, slots=True)
class Payload:
    """A request or an answer of the Open Inference Protocol: its JSON and the bytes behind it."""

    header: bytes | memoryview
    binary: bytes | memoryview


@dataclass(frozen=True, slots=True)
class Ready:
    """It waits for a request; what its loading took, where it says so."""

    import_s: float | None = None
    load_s: float | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """Its model is in another tier now."""

    tier: str
    move_s: float


@dataclass(frozen=True, slots=True)
class Stayed:
    """It could not move its model."""

    error: str


@dataclass(frozen=True, slots=True)
class Raised:
    """It has no answer for this request."""

    error: str


@dataclass(frozen=True, slots=True)
class Part:
    """It has answered in part; more parts follow, and an empty payload behind the last."""

    payload: Payload


Message: TypeAlias = Ready | Payload | Part | Raised | Moved | Stayed


class Dialect(Protocol):
    """One way of talking."""

    def request(self, payload: Payload) -> bytes:
        """Write a request; ValueError or TypeError if it cannot be said in this dialect."""

    def move(self, tier: str) -> bytes:
        """Write the order to go to a tier; ValueError if it cannot be said in this dialect."""

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take the next bytes and yield what they complete; ValueError if they are not of it."""


class HandlerDialect:
    """Frames on a socket, each of ``limit_bytes`` at most; written by ``headstart.serve``."""

    def __init__(self, limit_bytes: int) -> None:
        self._decoder = Decoder(limit_bytes)

    def request(self, payload: Payload) -> bytes:
        """Write a request."""
        header = {"header_size": len(payload.header)}
        return pack(header, payload.header, payload.binary)

    def move(self, tier: str) -> bytes:
        """Write the order to go to a tier."""
        return pack({"tier": tier})

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take the next bytes and yield what they complete."""
        for frame in self._decoder.feed(data):
            match frame.header:
                case {"kind": "ready", "import_s": float(import_s), "load_s": float(load_s)}:
                    yield Ready(import_s, load_s)
                case {"kind": "moved", "tier": str(tier), "move_s": float(move_s)}:
                    yield Moved(tier, move_s)
                case {"kind": "stayed", "error": str(error)}:
                    yield Stayed(error)
                case {"kind": "answer", "header_size": int(size)}:
                    yield Payload(frame.tail[:size], frame.tail[size:])
                    yield Ready()
                case {"kind": "part", "header_size": int(size)}:
                    yield Part(Payload(frame.tail[:size], frame.tail[size:]))
                case {"kind": "end"}:
                    yield Payload(b"", b"")
                    yield Ready()
                case {"kind": "error", "error": str(error)}:
                    yield Raised(error)
                    yield Ready()
                case _:
                    raise ValueError(f"a frame says {frame.header!r}")


class ScriptDialect:
    """Lines on standard input and output; any line that is not of the protocol is chatter.

    Parameters
    ----------
    limit_bytes
        Of a line.
    """

    def __init__(self, name: str, limit_bytes: int, on_chatter: Callable[[bytes], None]) -> None:
        self._name = name
        self._limit_bytes = limit_bytes
        self._on_chatter = on_chatter
        self._buffer = bytearray()
        self._asked = Request({})

    def request(self, payload: Payload) -> bytes:
        """Write a request as one line, with all tensors in the JSON."""
        self._asked = decode_request(payload.header, memoryview(payload.binary))
        return json.dumps(encode_request(self._asked)).encode() + b"\n"

    def move(self, tier: str) -> bytes:
        """Refuse: scripts stay where they have loaded their models."""
        raise ValueError(f"a script cannot be told to go to tier {tier}")

    def feed(self, data: bytes) -> Iterator[Message]:
        """Take the next bytes and yield what they complete."""
        self._buffer += data
        if b"\n" not in data:
            if len(self._buffer) > self._limit_bytes:
                raise ValueError(f"a line of more than {self._limit_bytes} bytes")
            return
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        for line in lines:
            message = self._message(bytes(line))
            if message is None:
                self._on_chatter(bytes(line) + b"\n")
            else:
                yield message

    def _message(self, line: bytes) -> Message | None:
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            return None
        match said:
            case {"ready": True}:
                return Ready(said.get("import_s"), said.get("load_s"))
            case {"outputs": list(outputs), "more": True}:
                part = self._answer(outputs)
                return Part(part) if isinstance(part, Payload) else part
            case {"outputs": list(outputs)}:
                return self._answer(outputs)
            case {"error": error}:
                return Raised(str(error))
        return None

    def _answer(self, outputs: list[dict[str, Any]]) -> Payload | Raised:
        try:
            tensors = decode_tensors(outputs, memoryview(b""))
            return Payload(*encode_answer(self._name, tensors, self._asked))
        except (KeyError, TypeError, ValueError) as error:
            return Raised(f"its answer is no list of tensors: {type(error).__name__}: {error}")
