"""Non-blocking pipes and sockets on the event loop, that can be read out after their writer died.

When a process is dead, all that it wrote is in the kernel's buffer: ``drain`` takes it at once, so
that the order of last words and death does not depend on how the loop noticed them.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable

_CHUNK_BYTES = 1 << 18


class Reader:
    """Hands what comes in on a file descriptor, which it owns, to ``on_data``."""

    def __init__(self, descriptor: int, on_data: Callable[[bytes], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._descriptor = descriptor
        self._on_data = on_data
        os.set_blocking(descriptor, False)
        self._loop.add_reader(descriptor, self._read)

    def drain(self) -> None:
        """Hand over what is left in the buffer."""
        while self._read():
            pass

    def close(self) -> None:
        """Read no more."""
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _read(self) -> bool:
        if self._descriptor < 0:
            return False
        try:
            data = os.read(self._descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            data = b""
        if data:
            self._on_data(data)
        else:
            self.close()
        return bool(data)


class Writer:
    """Writes to a file descriptor, which it owns, as fast as the other side reads.

    What the other side will never read is dropped: its death is noticed elsewhere.
    """

    def __init__(self, descriptor: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._descriptor = descriptor
        self._pending: deque[memoryview] = deque()
        os.set_blocking(descriptor, False)

    def write(self, data: bytes) -> None:
        """Write now what can be written, and the rest later."""
        idle = not self._pending
        self._pending.append(memoryview(data))
        if idle and not self._flush():
            self._loop.add_writer(self._descriptor, self._continue)

    def close(self) -> None:
        """Write no more."""
        if self._descriptor >= 0:
            self._loop.remove_writer(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
        self._pending.clear()

    def _continue(self) -> None:
        if self._flush():
            self._loop.remove_writer(self._descriptor)

    def _flush(self) -> bool:
        while self._pending and self._descriptor >= 0:
            data = self._pending[0]
            try:
                written = os.write(self._descriptor, data)
            except BlockingIOError:
                return False
            except (BrokenPipeError, ConnectionResetError):
                self._pending.clear()
                return True
            if written == len(data):
                self._pending.popleft()
            else:
                self._pending[0] = data[written:]
        return True


class Tail:
    """Keeps the last bytes of a text."""

    def __init__(self, limit_bytes: int = 4096) -> None:
        self._limit_bytes = limit_bytes
        self._bytes = bytearray()

    def add(self, data: bytes) -> None:
        """Append to the text."""
        self._bytes += data
        del self._bytes[: -self._limit_bytes]

    def text(self) -> str:
        """Return the text that is left, without a broken first line."""
        text = self._bytes.decode(errors="replace").strip()
        if len(self._bytes) == self._limit_bytes:
            return text.partition("\n")[2] or text
        return text
