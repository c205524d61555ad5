"""Carries out what the machine decides, and tells it what happens: processes, timers, memory."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any

from . import memory
from .commands import Command, Drop, Kill, Move, Send, Spawn, Tell
from .dialects import Message, Moved, Part, Payload, Raised, Ready, Stayed
from .machine import Machine
from .outcomes import (
    AnswerPart,
    Completed,
    Failed,
    Loaded,
    LoadReport,
    Outcome,
    SnapshotFailed,
    Started,
)
from .process import FunctionProcess, Nursery
from .residency import Need, Residency, State, Tier
from .restored import RestoredProcess
from .spec import Spec
from .view import Unreachable
from .watch import MemoryWatch
from .zygotes import Zygotes

Client = Callable[[Outcome, Payload | None], None]
"""Is told every outcome; with the answer behind ``Completed``, a part behind ``AnswerPart``."""


class Manager:
    """An instance at work on the running loop.

    Parameters
    ----------
    limit_bytes, base_bytes
        What the instance may hold, and what it holds with nothing loaded.
    """

    def __init__(self, limit_bytes: int, base_bytes: int, nursery: Nursery, client: Client) -> None:
        self._machine = Machine(limit_bytes, base_bytes)
        self._nursery = nursery
        self._client = client
        self._loop = asyncio.get_running_loop()
        self.stopped = self._loop.create_future()
        self._specs: dict[str, Spec] = {}
        self._processes: dict[str, FunctionProcess] = {}
        self._request = self._answer = Payload(b"", b"")
        self._library_bytes: dict[str, int] = {}
        self._frozen: set[str] = set()
        self._load_timers: dict[str, asyncio.TimerHandle] = {}
        self._deadline: asyncio.TimerHandle | None = None
        self._queue: deque[Command] = deque()
        self._pumping = False
        self._zygotes = Zygotes(nursery.reaper, self._dropped)
        self._watch = MemoryWatch(limit_bytes - base_bytes, self._resident_bytes, self._measure)

    def load(self, spec: Spec, need: Need, tier: Tier) -> None:
        """Load a function ahead of calls, or move it."""
        self._specs[spec.name] = spec
        self._carry_out(self._machine.load(spec.name, need, tier))

    def offload(self, function: str) -> None:
        """Take a function away."""
        self._carry_out(self._machine.offload(function))

    def run(
        self,
        call: str,
        spec: Spec,
        request: Payload,
        *,
        keep: frozenset[str],
        need: Need,
        tier: Tier,
        timeout_s: float,
    ) -> None:
        """Serve a call."""
        self._specs[spec.name] = spec
        if self._machine.call is None:
            self._request = request
            self._deadline = self._loop.call_later(
                timeout_s, self._abort, call, "deadline", "the call took longer than it may"
            )
        self._carry_out(self._machine.run(call, spec.name, keep, need, tier))

    def cancel(self, call: str) -> None:
        """End a call without an answer."""
        self._abort(call, "cancelled", "the call was withdrawn")

    def stop(self) -> None:
        """Take everything away; ``stopped`` is done when nothing is left."""
        self._carry_out(self._machine.stop())

    def status(self) -> dict[str, Any]:
        """Describe what is in the instance; loads in the words of ``Loaded``."""
        call, libraries = self._machine.call, self._machine.shelf.libraries
        return {
            "residencies": {
                name: {"state": held.state, "tier": held.wanted, **self._load_of(held)}
                for name, held in self._machine.residencies.items()
            },
            "libraries": {name: library.memory_bytes for name, library in libraries.items()},
            "call": call.id if call is not None else None,
        }

    def said(self, function: str, message: Message) -> None:
        """Take what a process said."""
        match message:
            case Ready(import_s, load_s):
                self._stop_load_timer(function)
                report = LoadReport(import_s or 0.0, load_s or 0.0)
                self._carry_out(self._machine.ready(function, report))
            case Moved(tier, move_s):
                self._stop_load_timer(function)
                self._watch.changed()
                self._carry_out(self._machine.moved(function, Tier(tier), move_s))
            case Stayed(error):
                self._carry_out(self._machine.stayed(function, error))
            case Part(payload):
                self._pass_on(function, payload)
            case Payload():
                self._answer = message
                self._answered(function, None)
            case Raised(error):
                self._answered(function, error)

    def ended(self, function: str, error: str, *, clean: bool) -> None:
        """Take that a process is dead."""
        del self._processes[function]
        self._frozen.discard(function)
        self._stop_load_timer(function)
        self._carry_out(self._machine.exited(function, error, clean=clean))

    def unfit(self, function: str, error: str) -> None:
        """Take that there is no snapshot of a function."""
        self._client(SnapshotFailed(function, error), None)

    def _pass_on(self, function: str, part: Payload) -> None:
        """Tell the client a part of an answer, if it is one of the call that runs."""
        call = self._machine.call
        running = self._machine.residencies[function].state is State.RUNNING
        if call is not None and running and call.function == function:
            self._client(AnswerPart(call.id), part)

    def _answered(self, function: str, error: str | None) -> None:
        self._start_load_timer(function)
        self._watch.changed()
        self._carry_out(self._machine.answered(function, error))

    def _abort(self, call: str, kind: str, error: str) -> None:
        self._carry_out(self._machine.abort(call, kind, error))

    def _dropped(self, library: str) -> None:
        self._library_bytes.pop(library, None)
        self._watch.changed()
        self._carry_out(self._machine.dropped(library))

    def _resident_bytes(self) -> int:
        functions = (pid for pid, _ in self._running().values())
        return memory.resident_bytes([*functions, *self._zygotes.pids().values()])

    def _measure(self) -> int:
        functions, libraries = memory.account(self._running(), self._zygotes.pids())
        self._library_bytes = dict(libraries)
        self._carry_out(self._machine.measured(functions, libraries))
        return sum(functions.values()) + sum(libraries.values())

    def _carry_out(self, commands: Iterable[Command]) -> None:
        """Carry out commands in order; those that this leads to come behind them."""
        self._queue.extend(commands)
        if self._pumping:
            return
        self._pumping = True
        while self._queue:
            self._do(self._queue.popleft())
        self._pumping = False
        if self._machine.call is None:
            self._thaw()
        if self._machine.stopped and not self.stopped.done():
            self._watch.close()
            self.stopped.set_result(None)

    def _do(self, command: Command) -> None:
        match command:
            case Spawn(function):
                self._spawn(function)
            case Move(function, tier):
                self._start_load_timer(function)
                self._thaw_one(function)
                self._processes[function].move(tier)
            case Kill(function):
                self._processes[function].kill()
            case Drop(library):
                self._zygotes.kill(library)
            case Send(function):
                self._freeze_all_but(function)
                self._processes[function].send(self._request)
            case Tell(outcome):
                self._tell(outcome)

    def _freeze_all_but(self, function: str) -> None:
        """Stop what stays idle beside a call, so that it neither disturbs nor watches it."""
        for name, held in self._machine.residencies.items():
            if name != function and held.state is State.READY:
                self._frozen.add(name)
                self._processes[name].freeze()

    def _thaw(self) -> None:
        for name in [*self._frozen]:
            self._thaw_one(name)

    def _thaw_one(self, function: str) -> None:
        if function in self._frozen:
            self._frozen.remove(function)
            self._processes[function].thaw()

    def _spawn(self, function: str) -> None:
        spec = self._specs[function]
        try:
            process = self._new_process(spec)
        except (OSError, Unreachable) as error:
            self._carry_out(self._machine.exited(function, str(error), clean=False))
            return
        self._processes[function] = process
        self._start_load_timer(function)

    def _new_process(self, spec: Spec) -> FunctionProcess:
        if self._nursery.snapshots is not None and spec.snapshot:
            return RestoredProcess(spec, self._nursery, self, self._nursery.snapshots)
        return FunctionProcess(spec, self._nursery, self, self._zygotes.of(spec))

    def _tell(self, outcome: Outcome) -> None:
        match outcome:
            case (
                Loaded(function=function, report=report)
                | Started(function=function, report=LoadReport() as report)
            ):
                outcome = replace(outcome, report=self._with_memory(function, report))
                self._client(outcome, None)
            case Completed():
                self._client(outcome, self._answer)
                self._close_call()
            case Failed():
                self._client(outcome, None)
                self._close_call()
            case _:
                self._client(outcome, None)

    def _close_call(self) -> None:
        if self._machine.call is None and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            self._request = self._answer = Payload(b"", b"")

    def _with_memory(self, function: str, report: LoadReport) -> LoadReport:
        """Add what a function and its library hold; both are expected of the next instance.

        A library that was measured before is not measured again: that takes as long as a load, and
        is done soon anyway.
        """
        running = self._running()
        pid, library = running[function]
        self._watch.changed()
        if library in self._library_bytes:
            memory_bytes = memory.footprint(pid).private_bytes
        else:
            members = {name: one for name, one in running.items() if one[1] == library != ""}
            functions, libraries = memory.account(
                {**members, function: (pid, library)}, self._zygotes_of(library)
            )
            self._library_bytes.update(libraries)
            memory_bytes = functions[function]
        self._machine.residencies[function].memory_bytes = memory_bytes
        library_bytes = self._library_bytes.get(library, 0)
        return replace(report, memory_bytes=memory_bytes, library_bytes=library_bytes)

    def _load_of(self, held: Residency) -> dict[str, float]:
        took = held.report or LoadReport(0.0, 0.0)
        library_bytes = self._library_bytes.get(held.library, 0)
        return asdict(replace(took, memory_bytes=held.memory_bytes, library_bytes=library_bytes))

    def _zygotes_of(self, library: str) -> dict[str, int]:
        return {name: pid for name, pid in self._zygotes.pids().items() if name == library}

    def _running(self) -> dict[str, tuple[int, str]]:
        return {
            function: (process.pid, self._specs[function].library)
            for function, process in self._processes.items()
            if process.pid is not None
        }

    def _start_load_timer(self, function: str) -> None:
        timeout_s = self._specs[function].load_timeout_s
        error = f"not ready within {timeout_s:g} s"
        self._stop_load_timer(function)
        self._load_timers[function] = self._loop.call_later(
            timeout_s, lambda: self._carry_out(self._machine.overdue(function, error))
        )

    def _stop_load_timer(self, function: str) -> None:
        timer = self._load_timers.pop(function, None)
        if timer is not None:
            timer.cancel()
