"""Passes the manager's Unix socket on over standard input and output, to clients far away.

Run in the container as ``python -m executor.proxy.relay SOCKET``.
"""

import os
import socket
import sys
import threading
import time

_CHUNK_BYTES = 1 << 18
_RETRY_S = 0.005


def connect(path: str) -> socket.socket:
    """Connect to the manager, which may be starting still."""
    channel = socket.socket(socket.AF_UNIX)
    while True:
        try:
            channel.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(_RETRY_S)
        else:
            return channel


def take_in(channel: socket.socket) -> None:
    """Pass on what comes in until it ends."""
    while data := os.read(0, _CHUNK_BYTES):
        channel.sendall(data)
    channel.shutdown(socket.SHUT_WR)


def give_out(channel: socket.socket) -> None:
    """Pass on what the manager says until it ends."""
    while data := channel.recv(_CHUNK_BYTES):
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def main() -> None:
    """Relay until the manager has closed the connection."""
    channel = connect(sys.argv[1])
    threading.Thread(target=take_in, args=(channel,), daemon=True).start()
    give_out(channel)


if __name__ == "__main__":
    main()
