"""The parent's side of the child process."""

import os
import socket
import subprocess
import sys
import weakref
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from solver.deadline import Clock
from solver.pairs import Rows
from solver.plan import Plan, Status
from solver.problem import Problem
from solver.worker.channel import Channel, ChannelBroken

READY: Final = "ready"
CHILD: Final = ("-P", "-m", "solver.worker")
_ROOT: Final = Path(__file__).resolve().parents[2]
_START_S: Final = 30.0
"""Time after which a child that is not ready counts as hung; it takes about 1 s."""
_GRACE_S: Final = 1.0
"""Time after the limit of a question after which the child counts as hung."""


@dataclass(frozen=True)
class Question:
    """What the child is to solve, and the placed rows (mode, instance) to start from."""

    number: int
    problem: Problem
    method: str
    deadline_s: float
    seed: int
    start: Rows


@dataclass(frozen=True)
class Answer:
    """What the child found; nothing in it is to be trusted."""

    number: int
    pairs: Rows
    objective: float
    bound: float
    status: Status


class Worker:
    """A child process that solves one problem at a time.

    It is started afresh, not forked, so that it is safe from any thread. It ends with this
    process, however that ends: it watches its connection, which the system then closes.

    Parameters
    ----------
    arguments
        Command line of the child; it finds the descriptor of its connection as last argument.
    clock
        Returns seconds, never falling.
    """

    def __init__(self, arguments: tuple[str, ...] = CHILD, clock: Clock = perf_counter) -> None:
        mine, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *arguments, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                process_group=0,
            )
        self._end = weakref.finalize(self, _end, self._process, mine)
        self._channel = Channel(mine)
        self._clock = clock
        self._ready = False
        self._asked = self._answered = 0
        self._due_s = clock() + _START_S

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    @property
    def hung(self) -> bool:
        """Whether the child is long past the time at which it should have reported."""
        waiting = not self._ready or self._answered < self._asked
        return waiting and self._clock() > self._due_s

    def wait_ready(self, limit_s: float) -> bool:
        """Tell whether the child has its libraries loaded and no old question open.

        Raises
        ------
        ChannelBroken
            When the child has ended.
        """
        try:
            if not self._ready:
                self._ready = self._channel.receive(limit_s) == READY
            while self._answered < self._asked:
                self._answered = _checked(self._channel.receive(limit_s)).number
        except TimeoutError:
            return False
        return self._ready

    def ask(self, plan: Plan, method: str, *, seed: int, deadline_s: float, limit_s: float) -> Plan:
        """Return the child's plan, unchecked, for the problem of a plan to start from.

        Parameters
        ----------
        plan
            Names the problem, and where to start.
        method
            A key of ``solver.methods.METHODS``.
        seed
            For the method.
        deadline_s
            Time for the method.
        limit_s
            Time for the whole.

        Raises
        ------
        TimeoutError
            When the limit passes; a later ``wait_ready`` takes the late answer off.
        ChannelBroken
            When the child has ended, or answered what is no answer.
        """
        begun_s = self._clock()
        self._asked += 1
        self._due_s = begun_s + limit_s + _GRACE_S
        question = Question(self._asked, plan.problem, method, deadline_s, seed, plan.pairs)
        self._channel.send(question, limit_s)
        answer = _checked(self._channel.receive(limit_s - (self._clock() - begun_s)))
        self._answered = answer.number
        return Plan(
            problem=plan.problem,
            pairs=answer.pairs,
            objective=answer.objective,
            bound=answer.bound,
            status=answer.status,
            solve_s=self._clock() - begun_s,
            method=method,
        )

    def kill(self) -> None:
        """End the child at once."""
        self._end()


def _checked(answer: Any) -> Answer:
    if not isinstance(answer, Answer):
        raise ChannelBroken(f"the child sent {answer!r:.80}, which is no answer")
    return answer


def _environment() -> dict[str, str]:
    """Return the environment of this process, with this package on the child's path."""
    paths = [str(_ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _end(process: "subprocess.Popen[bytes]", connection: socket.socket) -> None:
    connection.close()
    process.kill()
    process.wait()
