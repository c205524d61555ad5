"""The server put together from its configuration."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry

from executor.backend import LiveBackend
from executor.calls import Calls, CallTable
from executor.choices import POLICIES, PREDICTORS
from executor.clock import Clock
from executor.config import ArrivalSection, Config, PlanSection
from executor.controller import Controller, Settings
from executor.domain import Worker
from executor.drivers.live import LiveDriver, ThreadPlanner
from executor.functions import Package
from executor.gateway.app import Gateway
from executor.gateway.server import serve
from executor.gpu.keeper import Keeper
from executor.gpus import LOCAL, kept_gpus
from executor.packages import read_packages
from executor.preload import PlanSettings
from executor.reconcile import Budget
from executor.runtimes.process import ProcessRuntime
from executor.runtimes.protocol import LiveRuntime
from executor.serving import ServeSettings
from executor.totals import Totals
from solver import Plan, Problem
from solver import warm_up as warm_up_solver
from solver.replanner import Replanner

GRACE_S = 10.0
"""Calls under way have this long to end when the server is stopped."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a running server listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Return the address as a URL."""
        return f"http://{self.host}:{self.port}"


async def run(config: Config, clock: Clock, on_ready: Callable[[Address], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises
    ------
    Exception
        Whatever ended the scheduler; it is never hidden.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(config, clock) as (address, driver):
        on_ready(address)
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait((stopped, driver.failure), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if driver.failure.done():
            driver.failure.result()


@asynccontextmanager
async def running(config: Config, clock: Clock) -> AsyncIterator[tuple[Address, LiveDriver]]:
    """Serve while the context is open.

    Raises
    ------
    ConfigError
        When a function's folder is not in order.
    """
    if config.plan.enabled:
        await asyncio.to_thread(warm_up, config.arrivals, config.plan)
    python = config.python or Path(sys.executable)
    packages = read_packages(config.functions, models=config.models, python=python)
    async with (
        kept_gpus(config) as gpus,
        _serving(config, clock, packages, gpus) as served,
    ):
        yield served


@asynccontextmanager
async def _serving(
    config: Config, clock: Clock, packages: Mapping[str, Package], gpus: Mapping[str, Keeper]
) -> AsyncIterator[tuple[Address, LiveDriver]]:
    calls, totals = CallTable(), Totals()
    runtime = _runtime(config, packages, calls, clock, gpus)
    controller = make_controller(config, packages, gpus)
    planner = ThreadPlanner(make_solver(config.plan))
    driver = LiveDriver(
        controller, runtime, calls, planner, clock, lambda events, _: totals.count(events)
    )
    backend = LiveBackend(driver, packages, totals, clock, gpus.values())
    gateway = Gateway(
        backend, CollectorRegistry(), clock, config.gateway.max_body, version("headstart")
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, planner.close)
        await driver.open()
        stack.push_async_callback(driver.close)
        listening = serve(gateway, config.gateway.host, config.gateway.port, GRACE_S)
        port = await stack.enter_async_context(listening)
        yield Address(config.gateway.host, port), driver


def make_controller(
    config: Config, packages: Mapping[str, Package], gpus: Mapping[str, Keeper]
) -> Controller:
    """Make the controller of a configuration; it is the same over a simulated runtime.

    ``gpus`` keeps those of each worker that has any.
    """
    return Controller(
        [package.function for package in packages.values()],
        _workers(config, gpus),
        POLICIES[config.keep_alive.policy](config.keep_alive),
        PREDICTORS[config.arrivals.predictor](config.arrivals),
        _settings(config),
    )


def make_solver(section: PlanSection) -> Callable[[Problem], Plan]:
    """Make what solves the controller's problems."""
    return Replanner(section.method, section.deadline_s)


def _runtime(
    config: Config,
    packages: Mapping[str, Package],
    calls: Calls,
    clock: Clock,
    gpus: Mapping[str, Keeper],
) -> LiveRuntime:
    if config.runtime == "process":
        return ProcessRuntime(
            packages,
            calls,
            clock,
            directory=config.state,
            isolate=config.isolate,
            share_libraries=config.share_libraries,
            grace_s=config.grace_s,
            gpus=gpus,
            snapshots=config.snapshots,
        )
    from executor.runtimes import docker

    engines = config.docker.engines
    return docker.DockerRuntime(
        packages,
        calls,
        clock,
        directory=config.state,
        engines={name: docker.Address(one.url, one.tls) for name, one in engines.items()},
        image=config.docker.image,
        python=config.python or Path(sys.executable),
        cpus=config.docker.cpus,
        share_libraries=config.share_libraries,
        grace_s=config.grace_s,
        gpus=gpus,
    )


def _workers(config: Config, gpus: Mapping[str, Keeper]) -> list[Worker]:
    memory = {name: engine.memory for name, engine in config.docker.engines.items()}
    if config.runtime == "process":
        memory = {LOCAL: config.worker.memory}
    return [
        Worker(name, size, gpus[name].budgets({}) if name in gpus else {})
        for name, size in memory.items()
    ]


def warm_up(arrivals: ArrivalSection, plan: PlanSection) -> None:
    """Predict and plan once, so that compiling, at the first start, holds up no call."""
    predictor = PREDICTORS[arrivals.predictor](arrivals)
    predictor.resize(1)
    for at_s in (0.0, 1.0):
        predictor.observe(0, at_s)
        predictor.forecast(at_s + 1.0, plan.horizon_s)
    warm_up_solver(plan.method)


def _settings(config: Config) -> Settings:
    budget = Budget(config.plan.loads_at_once, config.worker.instance_reserve)
    often = (config.plan.rest_s, config.plan.patience_s)
    plan = PlanSettings(config.plan.horizon_s, config.plan.period_s, budget, *often)
    serving = ServeSettings(config.serve.queue_limit, config.serve.warm_keeps_model)
    return Settings(serving, plan if config.plan.enabled else None)
