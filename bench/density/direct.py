"""A function's process called without manager or runtime: what a call costs at least."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.density.instance import REQUEST, inference_s
from executor.calls import Payload
from executor.functions import Package
from executor.proxy.process import SDK_FOLDER
from executor.proxy.sdk.headstart.frames import Decoder, Frame, pack

_CHUNK_BYTES = 1 << 20


class DirectProcess:
    """A function on the other end of a socket."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._decoder = Decoder()
        self._frame()

    def call(self, body: Payload = REQUEST) -> tuple[float, float]:
        """Call it; return the seconds to inference, and to its end."""
        begun_s = time.monotonic()
        size = {"header_size": len(body.header)}
        self._channel.sendall(pack(size, body.header, body.binary))
        frame = self._frame()
        ended_s = time.monotonic()
        answer = Payload(bytes(frame.tail[: frame.header["header_size"]]))
        return inference_s(answer) - begun_s, ended_s - begun_s

    def _frame(self) -> Frame:
        while True:
            data = self._channel.recv(_CHUNK_BYTES)
            if not data:
                raise EOFError("the function's process has ended")
            for frame in self._decoder.feed(data):
                return frame


@contextmanager
def direct(package: Package) -> Iterator[DirectProcess]:
    """Start a function's process, and end it."""
    ours, theirs = socket.socketpair()
    environment = {
        **os.environ,
        **package.environment,
        "PYTHONPATH": str(SDK_FOLDER),
        "HEADSTART_FUNCTION": package.function.name,
        "HEADSTART_HANDLER": package.handler,
        "HEADSTART_CHANNEL": str(theirs.fileno()),
    }
    process = subprocess.Popen(
        [str(package.python), "-m", "headstart"],
        cwd=package.folder,
        env=environment,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    try:
        yield DirectProcess(ours)
    finally:
        ours.close()
        process.wait()
