"""The live driver on a simulated runtime, in virtual time."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from executor import events as ev
from executor.actions import Action, RuntimeAction, WakeAt
from executor.calls import CallTable, Payload
from executor.controller import Settings
from executor.domain import Function, StartKind
from executor.drivers.live import LiveDriver, LoopTimer, ThreadPlanner
from executor.drivers.sim import ChargedPlanner
from executor.errors import DeadlineExceeded, UnknownFunction
from executor.runtimes.protocol import Sink
from executor.runtimes.sim import SimRuntime
from executor.runtimes.sim_costs import SimCosts
from solver import Plan, Problem
from tests.executor.drivers.virtual_loop import run_virtually
from tests.executor.simulation import (
    RUN_S,
    SOLVE_S,
    START_S,
    Simulation,
    by_priority,
    controller,
    settings,
)
from tests.executor.worlds import function

F, G = function("f"), function("g")
REQUEST = Payload(b'{"inputs": []}')


class LiveSim:
    """A simulated runtime with the manners of a live one: it answers each call with its request."""

    def __init__(self, functions: tuple[Function, ...], calls: CallTable) -> None:
        profiles = {one.name: one.profile for one in functions}
        self._costs = SimCosts(profiles, lambda _call, _function: RUN_S, START_S)
        self._calls = calls

    async def open(self, sink: Sink) -> None:
        def answer(events: Sequence[ev.Event]) -> None:
            for event in events:
                if isinstance(event, ev.Completed):
                    request = self._calls.request(event.invocation_id)
                    self._calls.answer(event.invocation_id, request)
                sink(event)

        loop = asyncio.get_running_loop()
        self._sim = SimRuntime(LoopTimer(loop.time), self._costs, answer)

    def submit(self, action: RuntimeAction) -> None:
        self._sim.submit(action)

    async def close(self) -> None:
        pass

    def memory_bytes(self) -> dict[str, int]:
        return {}


class Live:
    """A live driver and the record of what it did."""

    def __init__(
        self,
        *functions: Function,
        options: Settings | None = None,
        solver: Callable[[Problem], Plan] = by_priority,
        threaded: bool = False,
    ) -> None:
        loop = asyncio.get_running_loop()
        calls = CallTable()
        timer = LoopTimer(loop.time)
        planner = (
            ThreadPlanner(solver) if threaded else ChargedPlanner(timer, solver, lambda _: SOLVE_S)
        )
        self.log: list[tuple[ev.Event, list[Action]]] = []
        self.driver = LiveDriver(
            controller(functions, options or settings()),
            LiveSim(functions, calls),
            calls,
            planner,
            loop.time,
            lambda events, actions: self.log.append((events[-1], actions)),
        )

    async def __aenter__(self) -> "Live":
        await self.driver.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.driver.close()

    async def call(self, name: str, timeout_s: float = 30.0) -> StartKind:
        answer, served = await self.driver.call(name, REQUEST, timeout_s)
        assert answer == REQUEST
        return served.start_kind


def test_calls_are_answered_and_the_second_finds_the_model() -> None:
    async def main() -> list[StartKind]:
        async with Live(F) as live:
            return [await live.call("f"), await live.call("f")]

    assert run_virtually(main()) == [StartKind.COLD, StartKind.HOST]


def test_errors_reach_the_caller() -> None:
    async def main() -> None:
        async with Live(F) as live:
            with pytest.raises(UnknownFunction):
                await live.call("nobody")
            with pytest.raises(DeadlineExceeded):
                await live.call("f", timeout_s=START_S / 2)

    run_virtually(main())


def test_a_cancelled_caller_withdraws_the_call() -> None:
    async def main() -> list[ev.Event]:
        async with Live(F) as live:
            call = asyncio.create_task(live.call("f"))
            await asyncio.sleep(START_S + F.profile.ready_s + RUN_S / 2)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await asyncio.sleep(1.0)
            return [event for event, _ in live.log]

    events = run_virtually(main())
    assert any(isinstance(one, ev.Withdrawn) for one in events)
    assert any(isinstance(one, ev.Failed) for one in events)


def test_a_solver_that_raises_is_not_hidden() -> None:
    def broken(_: Problem) -> Plan:
        raise ZeroDivisionError("a bug")

    async def main() -> None:
        async with Live(F, solver=broken, threaded=True) as live:
            await live.call("f")
            with pytest.raises(ZeroDivisionError):
                await live.driver.failure
            assert not live.driver.alive()

    asyncio.run(main())


def test_the_same_scenario_gives_the_same_actions_live_and_simulated() -> None:
    times = [(1.0 + 0.7 * number, "fg"[number * number % 3 % 2]) for number in range(25)]

    async def main() -> list[Action]:
        async with Live(F, G) as live:
            loop = asyncio.get_running_loop()
            tasks = []
            for at_s, name in times:
                await asyncio.sleep(at_s - loop.time())
                tasks.append(asyncio.create_task(live.call(name)))
            await asyncio.gather(*tasks)
            await asyncio.sleep(30.0 - loop.time())
            return [one for event, did in live.log if event.at_s < 25.0 for one in did]

    simulated = Simulation([F, G])
    for at_s, name in times:
        simulated.call(name, at_s)
    simulated.run(30.0)
    expected = [one for event, did in simulated.log if event.at_s < 25.0 for one in did]
    assert decisions(run_virtually(main())) == decisions(expected)


def decisions(actions: list[Action]) -> list[str]:
    """Leave out wake-ups, which follow the driver's own beat, and exact times."""
    kept = [one for one in actions if not isinstance(one, WakeAt)]
    names = ("instance_id", "function", "keep")
    return [
        " ".join([type(one).__name__, *(str(getattr(one, name, "")) for name in names)])
        for one in kept
    ]
