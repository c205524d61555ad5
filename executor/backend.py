"""What the gateway asks of the server, answered from the live driver and its controller."""

from collections import Counter
from collections.abc import Collection, Mapping

from executor import events as ev
from executor.calls import PartSink, Payload
from executor.clock import Clock
from executor.domain import ResidencyState
from executor.drivers.live import LiveDriver
from executor.errors import UnknownFunction
from executor.functions import Package
from executor.gateway.backend import FunctionState, FunctionStatus, Reply, Status
from executor.gpu.keeper import Keeper
from executor.totals import Totals


class LiveBackend:
    """The server behind the gateway."""

    def __init__(
        self,
        driver: LiveDriver,
        packages: Mapping[str, Package],
        totals: Totals,
        clock: Clock,
        gpus: Collection[Keeper] = (),
    ) -> None:
        self._driver = driver
        self._packages = packages
        self._totals = totals
        self._clock = clock
        self._gpus = gpus

    async def call(
        self,
        function: str,
        payload: Payload,
        timeout_s: float | None,
        on_part: PartSink | None = None,
    ) -> Reply:
        """Serve a call within ``timeout_s``, or within the function's own limit when None."""
        own_s = self._package(function).function.timeout_s
        limit_s = own_s if timeout_s is None else min(timeout_s, own_s)
        return Reply(*await self._driver.call(function, payload, limit_s, on_part))

    def packages(self) -> Mapping[str, Package]:
        """All functions by name, enabled or not."""
        return self._packages

    def index(self) -> list[FunctionStatus]:
        """How each function stands."""
        return [self._status(name) for name in self._packages]

    async def enable(self, function: str) -> None:
        """Let a function be called."""
        self._package(function)
        self._driver.deliver(ev.FunctionEnabled(self._clock(), function))

    async def disable(self, function: str) -> None:
        """No longer let a function be called."""
        self._package(function)
        self._driver.deliver(ev.FunctionDisabled(self._clock(), function))

    def alive(self) -> bool:
        """Whether the scheduler has turned within the last few seconds."""
        return self._driver.alive()

    def ready(self) -> bool:
        """Whether calls are taken."""
        return self._driver.alive()

    def snapshot(self) -> Status:
        """Return the figures for the metrics."""
        state = self._driver.controller.state
        instances = list(state.instances.values())
        residencies = [held for one in instances for held in one.residencies.values()]
        libraries = [size for one in instances for size in one.libraries.values()]
        containers = self._driver.memory_bytes()
        loaded = (ResidencyState.READY, ResidencyState.MOVING, ResidencyState.RUNNING)
        return Status(
            instances=Counter(one.state for one in instances),
            residents=Counter(one.tier for one in residencies if one.state in loaded),
            worker_memory_bytes=sum(one.memory_bytes for one in state.workers.values()),
            instance_limit_bytes=sum(one.limit_bytes for one in instances),
            used_memory_bytes=sum(one.base_bytes for one in instances)
            + sum(one.memory_bytes for one in residencies)
            + sum(libraries),
            waiting_calls=self._driver.controller.serving.backlog.waiting_count,
            loads=self._totals.loads,
            load_failures=self._totals.load_failures,
            offloads=self._totals.offloads,
            plans=self._totals.plans,
            solve_s=self._totals.solve_s,
            gap_ratio=self._totals.gap_ratio,
            mps_restarts=sum(one.mps.restarts for one in self._gpus if one.mps is not None),
            container_memory_bytes=sum(containers.values()) if containers else None,
            gpus={gpu: one for keeper in self._gpus for gpu, one in keeper.accounts().items()},
        )

    def _package(self, function: str) -> Package:
        if function not in self._packages:
            raise UnknownFunction(f"no function {function!r}")
        return self._packages[function]

    def _status(self, name: str) -> FunctionStatus:
        controller = self._driver.controller
        if name not in controller.state.enabled:
            return FunctionStatus(name, FunctionState.UNAVAILABLE, "unloaded")
        failure = controller.quarantine.record(name)
        if failure is None:
            return FunctionStatus(name, FunctionState.READY)
        reason = f"failed to load {failure.failures} times in a row: {failure.error}"
        banned = controller.quarantine.ban(name, self._clock()) is not None
        state = FunctionState.UNAVAILABLE if banned else FunctionState.READY
        return FunctionStatus(name, state, reason)
