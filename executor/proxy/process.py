"""One function's process: started, spoken to, killed, and confirmed gone with all it started."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from . import view
from .cells import Cell, Cells
from .dialects import (
    Dialect,
    HandlerDialect,
    Message,
    Payload,
    Raised,
    Ready,
    ScriptDialect,
    Stayed,
)
from .launch import SPAWNED, Order, execute
from .reaper import Reaper
from .signals import send_to_user
from .snapshots import Snapshots
from .spec import Spec
from .stream import Reader, Tail, Writer
from .zygotes import Zygote

_ANSWER_SHARE = 0.25
"""Of a function's memory may be in one answer: the manager holds several copies of it at once."""

SDK_FOLDER = Path(__file__).parent / "sdk"
_CHANNEL = 3

_GPU_VARIABLES = ("CUDA_VISIBLE_DEVICES", "CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY")
"""Which GPU a function may use is not for itself to say."""


class Listener(Protocol):
    """Who is told what happens to function processes; the first argument is always the name."""

    def said(self, function: str, message: Message) -> None:
        """Take what it said."""

    def ended(self, function: str, error: str, *, clean: bool) -> None:
        """Take that it is dead, with all it had started; ``clean`` if by itself, with status 0."""


@dataclass(frozen=True, slots=True)
class Nursery:
    """What function processes are made with; ``snapshots`` is None when none shall be kept."""

    cells: Cells
    reaper: Reaper
    snapshots: Snapshots | None = None


class FunctionProcess:
    """A process and the channel to it; forked from a zygote where there is one.

    Attributes
    ----------
    pid
        None until it runs.

    Raises
    ------
    Unreachable
        If the function's user could not read what it needs.
    OSError
        If there can be no more processes or files.
    """

    def __init__(
        self, spec: Spec, nursery: Nursery, listener: Listener, zygote: Zygote | None
    ) -> None:
        self.pid: int | None = None
        self._spec = spec
        self._zygote = zygote
        self._nursery = nursery
        self._listener = listener
        self._spawned_s = time.monotonic()
        self._dead = False
        self._doomed = False
        self._early = bytearray()
        self._fault: str | None = None
        self._log = Tail()
        self._cell = nursery.cells.open()
        try:
            self._start()
        except BaseException:
            nursery.cells.close(self._cell)
            raise

    def send(self, payload: Payload) -> None:
        """Give it a request; one that cannot be said in its dialect it answers as raised."""
        try:
            data = self._dialect.request(payload)
        except (KeyError, TypeError, ValueError) as error:
            self._listener.said(self._spec.name, Raised(f"{type(error).__name__}: {error}"))
            self._listener.said(self._spec.name, Ready())
        else:
            self._writer.write(data)

    def move(self, tier: str) -> None:
        """Tell it to go to a tier; one whose dialect has no word for that stays."""
        try:
            data = self._dialect.move(tier)
        except ValueError as error:
            self._listener.said(self._spec.name, Stayed(str(error)))
        else:
            self._writer.write(data)

    def kill(self) -> None:
        """Kill it; its process group goes with it, and ``ended`` follows."""
        if self._dead:
            return
        if self.pid is not None:
            os.kill(self.pid, signal.SIGKILL)
        elif self._zygote is not None and self._zygote.withdraw(self):
            asyncio.get_running_loop().call_soon(self.lost, "taken away before it started")
        else:
            self._doomed = True

    def freeze(self) -> None:
        """Stop it, with all that it has started, where it is."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def started(self, pid: int) -> None:
        """Take that it runs."""
        self.pid = pid
        self._nursery.reaper.watch(pid, self._exited)
        if self._doomed:
            self.kill()
        elif self._early:
            self._received(bytes(self._early))

    def lost(self, error: str) -> None:
        """Take that it will never run."""
        self._fault = error
        self._exited(1)

    def _signal(self, number: signal.Signals) -> None:
        if self._dead or self.pid is None:
            return
        os.killpg(self.pid, number)
        if self._own_user is not None and self._nursery.reaper.strays(self.pid):
            send_to_user(self._own_user, number)

    @property
    def _own_user(self) -> int | None:
        """Its user, if no other process of the instance has that."""
        only = self._nursery.cells.isolation.user_count > 1
        return self._cell.uid if only else None

    def _start(self) -> None:
        order = self._order()
        log, log_end = os.pipe()
        ours, theirs = self._connect(log_end)
        self._log_reader = Reader(log, self._log.add)
        self._reader = Reader(ours[0], self._received)
        self._writer = Writer(ours[1])
        self._launch(order, theirs)

    def _launch(self, order: Order, theirs: dict[int, int]) -> None:
        """Start the process of an order with its open files, which are closed here."""
        if self._zygote is not None:
            self._zygote.launch(order, theirs, self)
            return
        try:
            self.started(execute(order, theirs))
        finally:
            close_all(theirs.values())

    def _connect(self, log_end: int) -> tuple[tuple[int, int], dict[int, int]]:
        """Open the channel: our two ends of it, and the open files of the process."""
        limit_bytes = int(_ANSWER_SHARE * self._spec.memory_limit_bytes)
        if self._spec.style == "handler":
            self._dialect: Dialect = HandlerDialect(limit_bytes)
            ours, theirs = (end.detach() for end in socket.socketpair())
            nothing = os.open(os.devnull, os.O_RDONLY)
            descriptors = {0: nothing, 1: log_end, 2: log_end, _CHANNEL: theirs}
            return (ours, os.dup(ours)), descriptors
        self._dialect = ScriptDialect(self._spec.name, limit_bytes, self._log.add)
        stdin, writer = os.pipe()
        reader, stdout = os.pipe()
        return (reader, writer), {0: stdin, 1: stdout, 2: log_end}

    def _order(self) -> Order:
        isolation, cell, spec = self._nursery.cells.isolation, self._cell, self._spec
        seen = None
        if isolation.users:
            seen = view.plan([*spec.needs(), SDK_FOLDER], cell.home, mounts=isolation.mounts)
        return Order(
            spec.arguments(),
            self._environment(cell),
            Path(spec.folder),
            cell,
            seen if isolation.mounts else None,
            spec.memory_limit_bytes,
        )

    def _environment(self, cell: Cell) -> dict[str, str]:
        """Compose the environment: the manager's own, the function's, and what the SDK reads."""
        own = self._spec.environment
        modules = [str(SDK_FOLDER), *filter(None, [own.get("PYTHONPATH")])]
        home = view.SHARED_FOLDERS[0] if self._nursery.cells.isolation.mounts else cell.home
        return {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **own,
            **{name: os.environ[name] for name in _GPU_VARIABLES if name in os.environ},
            "PYTHONPATH": os.pathsep.join(modules),
            "HOME": str(home),
            "TMPDIR": str(home),
            "HEADSTART_FUNCTION": self._spec.name,
            "HEADSTART_HANDLER": self._spec.handler,
            "HEADSTART_CHANNEL": str(_CHANNEL),
            SPAWNED: repr(self._spawned_s),
        }

    def _received(self, data: bytes) -> None:
        """Take what it said, but not before it is known to run."""
        if self.pid is None:
            self._early += data
            return
        try:
            self._say(self._dialect.feed(data))
        except ValueError as error:
            self._fault = f"it broke the protocol: {error}"
            self.kill()

    def _say(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if isinstance(message, Ready) and message.load_s is None:
                message = Ready(0.0, time.monotonic() - self._spawned_s)
            self._listener.said(self._spec.name, message)

    def _exited(self, code: int) -> None:
        self._dead = True
        self._nursery.reaper.sweep(lambda: self._confirmed(code), self._own_user)

    def _confirmed(self, code: int) -> None:
        for reader in (self._reader, self._log_reader):
            reader.drain()
            reader.close()
        self._writer.close()
        self._nursery.cells.close(self._cell)
        error = self._fault or _ending(code)
        text = self._log.text()
        self._listener.ended(
            self._spec.name, f"{error}: {text}" if text else error, clean=code == 0
        )


def close_all(descriptors: Iterable[int]) -> None:
    """Close open files, each once."""
    for descriptor in {*descriptors}:
        os.close(descriptor)


def _ending(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exited with status {code}"
