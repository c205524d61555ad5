"""Messages on a stream socket: a JSON object and, behind it, raw bytes.

A frame is the length of the JSON and that of the bytes (two unsigned 32-bit numbers, big-endian),
the JSON, the bytes. What a frame means is said by its JSON alone.
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_LENGTHS = struct.Struct("!II")


@dataclass(frozen=True, slots=True)
class Frame:
    """One message; ``tail`` is writable memory of its own."""

    header: dict[str, Any]
    tail: memoryview


def pack(header: dict[str, Any], *tail: bytes | memoryview) -> bytes:
    """Put a message into bytes; the parts of ``tail`` are joined.

    Raises
    ------
    OverflowError
        If a part is 4 GiB or longer.
    """
    text = json.dumps(header, separators=(",", ":")).encode()
    size = sum(len(part) for part in tail)
    if max(len(text), size) >> 32:
        raise OverflowError(f"a message of {len(text)} + {size} bytes; expected less than 4 GiB")
    return b"".join((_LENGTHS.pack(len(text), size), text, *tail))


class Decoder:
    """Cuts a stream of bytes, in whatever pieces it comes, into frames.

    Parameters
    ----------
    limit_bytes
        Of a frame; None for as long as one can be.
    """

    def __init__(self, limit_bytes: int | None = None) -> None:
        self._buffer = bytearray()
        self._limit_bytes = limit_bytes

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take the next bytes and yield the frames that are complete now.

        Raises
        ------
        ValueError
            If the JSON of a frame is not an object, or a frame says that it is too long.
        """
        self._buffer += data
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        if len(self._buffer) < _LENGTHS.size:
            return None
        text_size, tail_size = _LENGTHS.unpack_from(self._buffer)
        text_end = _LENGTHS.size + text_size
        end = text_end + tail_size
        if self._limit_bytes is not None and end > self._limit_bytes:
            raise ValueError(f"a frame of {end} bytes; expected at most {self._limit_bytes}")
        if len(self._buffer) < end:
            return None
        header = json.loads(self._buffer[_LENGTHS.size : text_end])
        if not isinstance(header, dict):
            raise ValueError(f"a frame holds {header!r}; expected a JSON object")
        tail = memoryview(self._buffer[text_end:end])
        del self._buffer[:end]
        return Frame(header, tail)
