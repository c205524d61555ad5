"""Where loads to GPUs pass: none begins before its memory is reserved, none ends unnoticed.

It stands between the controller and the instances of a runtime. An instance's own machine decides
when something may start; here it is decided whether there is room for it on the GPU.
"""

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Mapping
from contextlib import suppress

from executor import events as ev
from executor.actions import (
    CancelRun,
    Load,
    Offload,
    Run,
    RuntimeAction,
    StartInstance,
    StopInstance,
)
from executor.domain import Instance, Tier
from executor.gpu.keeper import Keeper
from executor.gpu.usage import DeviceFailure
from executor.runtimes.gpu_places import Place, Places
from executor.runtimes.gpu_unloads import GpuUnloads, Means

POLL_S = 1.0
"""So often GPUs are looked at for what other programs take of them, and for faults."""


class GpuGate:
    """Passes actions on to instances, and their events back.

    Parameters
    ----------
    keepers
        The GPUs by worker; none for a runtime without.
    """

    def __init__(self, keepers: Mapping[str, Keeper], means: Means) -> None:
        self._keepers = keepers
        self._means = means
        self._places = Places(keepers)
        self._waiting: dict[str, Run] = {}
        self._runs: dict[str, Run] = {}
        self._begun: set[str] = set()
        self._told = self._places.budgets()
        self._unloads = GpuUnloads(self._places, means)
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        if keepers:
            self._begin(self._poll())

    async def close(self) -> None:
        """Look no more; all instances have ended."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def submit(self, action: RuntimeAction) -> None:
        """Pass an action on, where need be once there is room for it."""
        match action:
            case StartInstance(instance_id=id_, worker=worker, gpu=str(gpu)):
                self._places.add(worker, id_, gpu)
                self._means.forward(action)
            case Load():
                self._load(action)
            case Offload(instance_id=id_, function=function):
                self._leave(id_, function)
                self._means.forward(action)
            case StopInstance(instance_id=id_):
                place = self._places.get(id_)
                self._leave(id_, *(place.placed if place is not None else ()))
                self._means.forward(action)
            case Run():
                self._run(action)
            case CancelRun(invocation_id=call):
                self._give_up_waiting(call)
                self._means.forward(action)
            case _:
                self._means.forward(action)

    def happened(self, event: ev.Event) -> None:
        """Take note of what an instance says, and pass it on."""
        match event:
            case ev.Loaded() | ev.LoadFailed() | ev.Offloaded() if self._held_back(event):
                return
            case ev.InstancesFound(instances=instances):
                self._found(instances)
            case ev.Started(invocation_id=call) if call in self._runs:
                self._started(self._runs[call], event.tier)
            case ev.Completed(invocation_id=call):
                self._run_ended(call, kept=not event.exited)
            case ev.Failed(invocation_id=call, kind=kind):
                self._run_ended(call, kept=kind is ev.FailureKind.ERROR)
            case ev.InstanceGone(instance_id=id_):
                self._instance_gone(id_)
        self._means.sink(event)

    def _found(self, instances: Iterable[Instance]) -> None:
        """Take in the instances of a server that was killed, with what they have on GPUs."""
        for instance in instances:
            if instance.gpu is not None:
                self._places.add(instance.worker, instance.id, instance.gpu)
            place = self._places.get(instance.id)
            if place is not None:
                for held in instance.residencies.values():
                    if held.tier is Tier.GPU:
                        place.take_over(held.function, held.gpu_memory_bytes)

    def _load(self, load: Load) -> None:
        """Let a load begin; for want of room, or of a GPU, it is one to memory."""
        if load.tier is Tier.GPU and not self._admit(load.instance_id, load.function):
            load = load._replace(tier=Tier.HOST)
        if load.tier is not Tier.GPU:
            self._leave(load.instance_id, load.function)
        self._ordered(load.instance_id, load.function)
        self._means.forward(load)

    def _run(self, run: Run) -> None:
        if not self._try(run):
            self._waiting[run.invocation_id] = run
            delay_s = max(0.0, run.deadline_s - self._means.clock())
            self._loop.call_later(delay_s, self._give_up_waiting, run.invocation_id)

    def _try(self, run: Run) -> bool:
        """Let a run begin; False while it is worth waiting for room on its GPU."""
        place = self._places.get(run.instance_id)
        others = place.placed.keys() - run.keep - {run.function} if place is not None else set()
        if run.tier is Tier.GPU and not self._admit(run.instance_id, run.function, others):
            if place is not None and any(one.leaving for one in self._places.on(place.gpu)):
                return False
            run = run._replace(tier=Tier.HOST)
        self._begin_run(run)
        return True

    def _begin_run(self, run: Run) -> None:
        place = self._places.get(run.instance_id)
        if place is not None:
            self._runs[run.invocation_id] = run
            staying = run.keep | {run.function} if run.tier is Tier.GPU else run.keep
            place.leave(*place.placed.keys() - staying)
        self._ordered(run.instance_id, run.function)
        self._means.forward(run)

    def _give_up_waiting(self, call: str) -> None:
        """Hand over a run that is cancelled, or has no time left, for the instance to end it."""
        run = self._waiting.pop(call, None)
        if run is not None:
            self._begin_run(run._replace(tier=Tier.HOST))

    def _admit(self, instance_id: str, function: str, others: Collection[str] = ()) -> bool:
        """Reserve memory for a function; when that fails, the controller hears what there is."""
        place = self._places.get(instance_id)
        if place is None:
            return False
        if not place.has(function):
            self._measure(place)
        if function in place.leaving:
            self._loop.call_soon(self._retry, place.gpu)
        admitted = place.admit(function, self._means.need_bytes(function), others)
        if not admitted:
            self._tell_budgets()
        return admitted

    def _ordered(self, instance_id: str, function: str) -> None:
        place = self._places.get(instance_id)
        if place is not None:
            place.orders[function] += 1

    def _leave(self, instance_id: str, *functions: str) -> None:
        place = self._places.get(instance_id)
        if place is not None:
            place.leave(*functions)

    def _held_back(self, event: ev.Loaded | ev.LoadFailed | ev.Offloaded) -> bool:
        """Note what has become of a function; True when it is told later, or is our own doing."""
        place = self._places.get(event.instance_id)
        if place is None:
            return False
        if isinstance(event, ev.Offloaded):
            self._release(place, event.function)
            return self._unloads.recycled(event.instance_id, event.function)
        place.answered(event.function)
        if isinstance(event, ev.LoadFailed):
            self._release(place, event.function)
            return False
        if event.tier is Tier.GPU:
            place.settle(event.function)
            self._measure(place)
        elif event.function in place.leaving:
            self._begin(self._left(place, event))
            return True
        return False

    def _started(self, run: Run, tier: Tier) -> None:
        """Note where a call runs; in memory, its function needs no room on the GPU."""
        place = self._places.get(run.instance_id)
        self._begun.add(run.invocation_id)
        if place is None:
            return
        place.answered(run.function)
        if tier is Tier.GPU:
            place.settle(run.function)
        elif run.function in place.leaving:
            self._release(place, run.function)

    def _run_ended(self, call: str, *, kept: bool) -> None:
        run = self._runs.pop(call, None)
        place = self._places.get(run.instance_id) if run is not None else None
        if run is not None and place is not None:
            if call not in self._begun:
                place.answered(run.function)
            if not kept:
                self._release(place, run.function)
        self._begun.discard(call)

    def _release(self, place: Place, function: str) -> None:
        if place.release(function):
            self._freed(place)

    def _instance_gone(self, instance_id: str) -> None:
        place = self._places.pop(instance_id)
        if place is None:
            return
        for calls in (self._waiting, self._runs):
            for call in [call for call, run in calls.items() if run.instance_id == instance_id]:
                del calls[call]
                self._begun.discard(call)
        self._unloads.instance_gone(instance_id)
        self._freed(place)

    async def _left(self, place: Place, loaded: ev.Loaded) -> None:
        """Tell that a function is back in memory once its memory on the GPU is free.

        What keeps it has its process ended; then nothing is left of the function.
        """
        id_, function = loaded.instance_id, loaded.function
        error = await self._unloads.wait(place, function)
        if self._places.get(id_) is not place:
            return
        if error:
            now_s = self._means.clock()
            self._means.sink(ev.LoadFailed(now_s, id_, function, error, blame=False))
        else:
            place.left(function)
            self._means.sink(loaded)
        self._freed(place)

    def _freed(self, place: Place) -> None:
        """Let runs begin that have waited for room, and tell of what is left."""
        self._measure(place)
        self._retry(place.gpu)
        self._tell_budgets()

    def _measure(self, place: Place) -> None:
        """Measure a GPU anew; of one that does not answer the last measurement stands."""
        with suppress(DeviceFailure):
            place.keeper.measure(place.gpu, self._pids_on(place.gpu))

    def _retry(self, gpu: str) -> None:
        for call, run in list(self._waiting.items()):
            place = self._places.get(run.instance_id)
            if place is not None and place.gpu == gpu:
                if not self._try(run):
                    break
                self._waiting.pop(call, None)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            for keeper in self._keepers.values():
                look = await asyncio.to_thread(keeper.look)
                keeper.take(look, {gpu: self._pids_on(gpu) for gpu in keeper.gpus})
                for gpu in keeper.gpus:
                    self._retry(gpu)
            self._tell_budgets()

    def _pids_on(self, gpu: str) -> Mapping[str, Collection[int]]:
        return self._means.pids([place.instance_id for place in self._places.on(gpu)])

    def _tell_budgets(self) -> None:
        """Tell the controller what our functions may hold, if that has changed."""
        budgets = self._places.budgets()
        if budgets != self._told:
            self._told = budgets
            self._means.sink(ev.GpusMeasured(self._means.clock(), budgets))

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Let an error of ours reach the loop, which tells of it."""
        self._tasks.discard(task)
        if not task.cancelled():
            task.result()
