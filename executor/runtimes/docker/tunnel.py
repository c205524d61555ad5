"""An engine behind SSH: its socket, forwarded to one of this machine."""

import asyncio
import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

from executor.errors import PermanentFailure
from executor.proxy import linux

_SOCKET = "/var/run/docker.sock"
_RETRY_S = 0.02
_OPTIONS = ("BatchMode=yes", "ExitOnForwardFailure=yes", "ServerAliveInterval=10")

_INTERACTIVE = ("-tt",)
"""With a terminal SSH sends small messages at once; a call takes 1 ms, and 42 ms without."""


class Tunnel:
    """An SSH client that forwards.

    Parameters
    ----------
    url
        ``ssh://[user@]host[:port]``, with the path of the engine's socket if it is not the usual.
    socket
        Where there shall be one of this machine; nothing may be there yet. Its folder's descriptor
        stands for the path, which may be longer than a socket's may be.
    """

    def __init__(self, url: str, socket: Path) -> None:
        self._url = url
        self._socket = socket
        self._folder = os.open(socket.parent, os.O_PATH)
        self._process: asyncio.subprocess.Process | None = None

    async def open(self) -> str:
        """Connect and return the forwarded engine's URL.

        Raises
        ------
        PermanentFailure
            If SSH gives up; with its words.
        """
        short = f"/proc/{os.getpid()}/fd/{self._folder}/{self._socket.name}"
        pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        process = self._process = await asyncio.create_subprocess_exec(
            *command(self._url, short),
            stdin=pipe,
            stdout=nowhere,
            stderr=pipe,
            start_new_session=True,
            preexec_fn=_end_with_the_server,
        )
        while not self._socket.exists():
            if process.returncode is not None:
                _, words = await process.communicate()
                text = words.decode(errors="replace").strip()
                raise PermanentFailure(f"no connection to {self._url}: {text}")
            await asyncio.sleep(_RETRY_S)
        return f"unix://{short}"

    async def close(self) -> None:
        """Disconnect."""
        if self._process is not None:
            if self._process.returncode is None:
                self._process.terminate()
            await self._process.wait()
        os.close(self._folder)
        self._socket.unlink(missing_ok=True)


def command(url: str, socket: str) -> list[str]:
    """Return the program that forwards an engine's socket, and its arguments."""
    parts = urlsplit(url)
    options = [word for option in _OPTIONS for word in ("-o", option)]
    user = ["-l", parts.username] if parts.username else []
    port = ["-p", str(parts.port)] if parts.port else []
    forward = f"{socket}:{parts.path.rstrip('/') or _SOCKET}"
    host = parts.hostname or ""
    return ["ssh", *_INTERACTIVE, *options, *user, *port, "-L", forward, "--", host, "cat"]


def _end_with_the_server() -> None:
    """Keep no connection for a server that was killed; with a terminal SSH would stay for ever."""
    linux.die_with_parent(signal.SIGTERM)
