"""One server of the main job: a process of its own, started and stopped around a run."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

ADDRESS = re.compile(r"listens on (http://\S+)")
START_S = 300.0
"""The first start of all compiles for a minute or more."""


class ServerFailed(Exception):
    """The server ended by itself; the message has its last words."""


@asynccontextmanager
async def server(config: dict[str, Any], folder: Path) -> AsyncIterator[str]:
    """Run ``headstart serve`` while the context is open; gives its URL.

    The configuration and the server's error output are left in ``folder``.

    Raises
    ------
    ServerFailed
        When it does not come to listen, or ends before the context does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "headstart.yaml"
    file.write_text(yaml.safe_dump(config))
    log = folder / "server.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "executor", "serve", str(file)),
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
        try:
            yield await asyncio.wait_for(_address(process, log), START_S)
        finally:
            ended = process.returncode is not None
            if not ended:
                process.send_signal(signal.SIGTERM)
            await process.wait()
            if ended:
                raise ServerFailed(log.read_text()[-2000:])


async def _address(process: asyncio.subprocess.Process, log: Path) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        found = ADDRESS.search(line.decode())
        if found is not None:
            return found.group(1)
    raise ServerFailed(log.read_text()[-2000:])
