"""The intra-container manager: one process an instance, run as ``python -m proxy``."""

import argparse
import asyncio
import os
import signal
import socket
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from .cells import Cells, detect
from .memory import footprint
from .process import Nursery
from .reaper import Reaper
from .server import Connection, Server
from .snapshots import Snapshots


def main() -> None:
    """Manage an instance until it is told to stop."""
    options = _options()
    options.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    asyncio.run(_manage(options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="proxy", description=__doc__)
    parser.add_argument("--owner", required=True, help="whose functions may be loaded")
    parser.add_argument("--limit-bytes", required=True, type=int, help="memory of the instance")
    parser.add_argument("--folder", required=True, type=Path, help="for private files; made anew")
    parser.add_argument("--base-uid", required=True, type=int, help="first user for functions")
    parser.add_argument("--one-user", action="store_true", help="the same user for all functions")
    parser.add_argument("--grace-s", required=True, type=float, help="life without a client")
    parser.add_argument("--no-isolation", action="store_true", help="share the manager's user")
    parser.add_argument("--snapshots", type=Path, help="folder for snapshots of functions")
    parser.add_argument("--criu", help="program that takes and restores them; none without")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--socket", type=Path, help="Unix socket in a folder of the client")
    where.add_argument("--descriptor", type=int, help="open socket that listens for the client")
    return parser.parse_args()


async def _manage(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_die)
    isolation = detect(options.base_uid, wanted=not options.no_isolation)
    if options.one_user:
        isolation = replace(isolation, user_count=1)
    if options.criu and not isolation.mounts:
        sys.exit(f"snapshots take views of the file system: {isolation.reason}")
    kept = Snapshots(options.snapshots, options.criu) if options.criu else None
    nursery = Nursery(Cells(options.folder, isolation), Reaper(), kept)
    base_bytes = footprint(os.getpid()).proportional_bytes
    server = Server(options.owner, options.limit_bytes, base_bytes, nursery, options.grace_s)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.manager.stop)
    if options.socket is not None:
        await loop.create_unix_server(lambda: Connection(server), options.socket)
        options.socket.chmod(0o666)
    else:
        listening = socket.socket(fileno=options.descriptor)
        listening.set_inheritable(False)
        await loop.create_unix_server(lambda: Connection(server), sock=listening)
    await server.manager.stopped


def _die(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """End at once on an error that nobody caught; the functions die with this process."""
    error = context.get("exception")
    traceback.print_exception(error) if error else sys.stderr.write(f"{context['message']}\n")
    sys.stderr.flush()
    os._exit(1)


main()
