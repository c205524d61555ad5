"""Creates and removes instances, as calls and the keep-alive policy ask for it."""

import math

from executor.actions import Action, StartInstance, StopInstance
from executor.domain import Function, Instance, InstanceState
from executor.lifecycle import Lifecycle
from executor.state import State


class Hosting:
    """Orders instances to start and stop; what it orders goes to ``outbox``."""

    def __init__(self, state: State, lifecycle: Lifecycle, outbox: list[Action]) -> None:
        self._state = state
        self._lifecycle = lifecycle
        self._outbox = outbox

    def create_for_call(self, worker: str, function: Function, at_s: float) -> Instance:
        """Start an instance since a call found none."""
        self._lifecycle.created_for_call(function.name, at_s)
        return self._create(worker, function, at_s)

    def stop(self, instance: Instance, at_s: float) -> None:
        """Remove an instance."""
        self._lifecycle.taken(instance.id)
        self._state.stopping(instance.id, at_s)
        self._outbox.append(StopInstance(instance.id))

    def taken(self, instance_id: str) -> None:
        """Note that an instance serves a call: it has no date meanwhile."""
        self._lifecycle.taken(instance_id)

    def turned_idle(self, instance: Instance, at_s: float) -> None:
        """Ask the policy how long an instance that has turned idle shall stay."""
        if not self._lifecycle.turned_idle(instance, at_s):
            self.stop(instance, at_s)

    def gone(self, instance_id: str) -> Instance | None:
        """Fold that an instance is no more; None when it was not known."""
        instance = self._state.gone(instance_id)
        if instance is not None:
            evicted = instance.state is InstanceState.STOPPING
            self._lifecycle.removed(instance, evicted=evicted)
        return instance

    def tick(self, at_s: float) -> None:
        """Do what has come due: expiries, pre-warmings, missing idle instances."""
        for instance in self._lifecycle.expired(at_s):
            if instance.state is InstanceState.IDLE:
                self.stop(instance, at_s)
        for prewarm in self._lifecycle.due(at_s):
            self._create_ahead(prewarm.function, prewarm.keep_alive_s, at_s)
        for name in self._state.enabled:
            for _ in range(self._lifecycle.missing(name)):
                self._create_ahead(name, math.inf, at_s)

    def _create_ahead(self, name: str, keep_alive_s: float, at_s: float) -> None:
        function = self._state.functions[name]
        worker = self._state.roomiest()
        if self._state.free_bytes(worker) >= function.memory_limit_bytes:
            instance = self._create(worker, function, at_s)
            self._lifecycle.created_ahead(instance.id, keep_alive_s)

    def _create(self, worker: str, function: Function, at_s: float) -> Instance:
        instance = self._state.create(worker, function.name, at_s)
        self._outbox.append(
            StartInstance(instance.id, worker, instance.owner, instance.limit_bytes)
        )
        return instance
