"""The live driver: the controller at work on a real runtime, on one asyncio loop."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from executor import events as ev
from executor.actions import Action, Finish, Served, Solve
from executor.calls import CallTable, PartSink, Payload
from executor.clock import Clock
from executor.controller import Controller
from executor.domain import Invocation
from executor.drivers.engine import Engine, ErrorSink, Outlets, Planner, PlanSink
from executor.errors import InvocationError
from executor.runtimes.protocol import LiveRuntime
from solver import Plan, Problem

BEAT_S = 1.0
"""The controller is stepped at least this often, so that its silence means something."""

SILENCE_S = 5.0
"""Without a step for this long the scheduler counts as dead."""


class LoopTimer:
    """A timer on the running asyncio loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()

    def now_s(self) -> float:
        """Return the present time."""
        return self._clock()

    def at(self, at_s: float, callback: Callable[[], None]) -> None:
        """Call back at a time, or as soon as may be when that has passed."""
        self._loop.call_later(max(0.0, at_s - self._clock()), callback)


class ThreadPlanner:
    """Solves in one thread beside the loop."""

    def __init__(self, solver: Callable[[Problem], Plan]) -> None:
        self._solver = solver
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="planner")

    def start(self, solve: Solve, done: PlanSink, failed: ErrorSink) -> None:
        """Begin to solve; the answer is delivered on the loop's thread."""

        def deliver(ended: asyncio.Future[tuple[Plan, float]]) -> None:
            if ended.cancelled():
                return
            error = ended.exception()
            if error is not None:
                failed(error)
            else:
                done(*ended.result())

        loop = asyncio.get_running_loop()
        loop.run_in_executor(self._pool, self._solve, solve.problem).add_done_callback(deliver)

    def close(self) -> None:
        """Wait for a solve under way and end the thread."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _solve(self, problem: Problem) -> tuple[Plan, float]:
        begun_s = time.perf_counter()
        plan = self._solver(problem)
        return plan, time.perf_counter() - begun_s


class LiveDriver:
    """Runs a controller live: calls go in, answers come out.

    Parameters
    ----------
    controller, runtime, calls
        The runtime reads the bodies of calls from, and writes answers to, ``calls``.
    planner
        Solves placement problems off the loop.
    clock
        Time of all events.
    record
        Sees the events of a moment with the actions that they led to.
    """

    def __init__(
        self,
        controller: Controller,
        runtime: LiveRuntime,
        calls: CallTable,
        planner: Planner,
        clock: Clock,
        record: Callable[[Sequence[ev.Event], list[Action]], None],
    ) -> None:
        self.controller = controller
        self._runtime = runtime
        self._calls = calls
        self._planner = planner
        self._clock = clock
        self._record = record
        self._open: dict[str, asyncio.Future[Served]] = {}
        self._numbers = count(1)
        self._stepped_s = clock()

    async def open(self) -> None:
        """Start the runtime and the beat."""
        loop = asyncio.get_running_loop()
        self.failure: asyncio.Future[None] = loop.create_future()
        self._engine = Engine(
            self.controller,
            self._runtime,
            LoopTimer(self._clock),
            self._planner,
            Outlets(self._finished, self._fail, self._record),
        )
        await self._runtime.open(self.deliver)
        self._beat()

    async def close(self) -> None:
        """Stop all instances; open calls end with an error."""
        self._beating.cancel()
        await self._runtime.close()

    def deliver(self, event: ev.Event) -> None:
        """Give an event to the controller; an error in it ends the server, by ``failure``."""
        try:
            self._engine.deliver(event)
        except Exception as error:
            self._fail(error)
        self._stepped_s = self._clock()

    def alive(self) -> bool:
        """Whether the scheduler has turned lately and has not failed."""
        return not self.failure.done() and self._clock() - self._stepped_s < SILENCE_S

    def memory_bytes(self) -> dict[str, int]:
        """Return what each instance holds by its control group, if it has one here."""
        return self._runtime.memory_bytes()

    async def call(
        self, function: str, payload: Payload, timeout_s: float, on_part: PartSink | None = None
    ) -> tuple[Payload, Served]:
        """Serve a call; when the awaiting task is cancelled the call is withdrawn.

        An answer that ``on_part`` was given in parts is empty.

        Raises
        ------
        InvocationError
            When the call ends without an answer.
        """
        invocation_id = f"c{next(self._numbers)}"
        future: asyncio.Future[Served] = asyncio.get_running_loop().create_future()
        self._open[invocation_id] = future
        self._calls.open(invocation_id, payload, on_part)
        now_s = self._clock()
        self.deliver(
            ev.Arrived(now_s, Invocation(invocation_id, function, now_s, now_s + timeout_s))
        )
        try:
            served = await future
        except asyncio.CancelledError:
            self.deliver(ev.Withdrawn(self._clock(), invocation_id))
            raise
        finally:
            del self._open[invocation_id]
            answer = self._calls.close(invocation_id)
        if answer is None:
            raise RuntimeError(f"{function} completed call {invocation_id} without an answer")
        return answer, served

    def _finished(self, finish: Finish) -> None:
        future = self._open.get(finish.invocation_id)
        if future is None or future.done():
            return
        if isinstance(finish.outcome, InvocationError):
            future.set_exception(finish.outcome)
        else:
            future.set_result(finish.outcome)

    def _beat(self) -> None:
        self.deliver(ev.Tick(self._clock()))
        self._beating = asyncio.get_running_loop().call_later(BEAT_S, self._beat)

    def _fail(self, error: BaseException) -> None:
        if not self.failure.done():
            self.failure.set_exception(error)
