"""Listens on a port within a running asyncio loop, and stops without losing calls."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from executor.errors import PermanentFailure
from executor.gateway.app import Gateway

KEEP_ALIVE_S = 75
"""Idle connections are kept this long (default of nginx), so that clients may reuse them."""

FLUSH_S = 5
"""After the last call has ended, slow clients have this long to take their answers."""

BACKLOG = 2048
"""Connections that may wait to be accepted (default of uvicorn)."""


@asynccontextmanager
async def serve(gateway: Gateway, host: str, port: int, grace_s: float) -> AsyncIterator[int]:
    """Serve while the context is open; it gives the bound port, a free one when ``port`` is 0.

    On leaving, new calls get status 503 while those under way have ``grace_s`` seconds to end;
    then the port is closed. Signals are left to the caller.

    Raises
    ------
    PermanentFailure
        When the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise PermanentFailure(f"cannot listen on {host}:{port}: {error.strerror}") from error
    server = _Server(_config(gateway))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        await gateway.in_flight.close(grace_s)
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(gateway: Gateway) -> uvicorn.Config:
    return uvicorn.Config(
        gateway,
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=FLUSH_S,
    )
