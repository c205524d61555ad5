"""The replay of a live run: the same controller and calls over a runtime in which time passes."""

from collections.abc import Mapping, Sequence
from functools import partial

from bench.demo.client import Outcome
from bench.demo.workload import Arrival
from bench.live.runs import Ran
from bench.replay.profiles import ProfileFile
from bench.replay.record import KINDS, Recorder
from bench.replay.simulate import DRAIN_S, charge_s
from executor import events as ev
from executor.config import Config
from executor.domain import Invocation
from executor.drivers.engine import Engine, Outlets
from executor.drivers.sim import ChargedPlanner, EventHeap
from executor.functions import Package
from executor.runtimes.sim import SimRuntime
from executor.server import make_controller, make_solver


class Prediction:
    """A server's configuration at work on calls, without processes.

    Parameters
    ----------
    config
        Of the live server.
    packages
        Its functions.
    costs
        What starts and calls take.
    models
        For each function, the one that was measured in its place.
    cores
        Processors that all instances share.
    """

    def __init__(
        self,
        config: Config,
        packages: Mapping[str, Package],
        costs: ProfileFile,
        models: Mapping[str, str],
        cores: int,
    ) -> None:
        self._packages = packages
        self._timer = EventHeap()
        run_s = {name: costs.models[model].run_s for name, model in models.items()}
        simulated = costs.simulated(models, lambda _, function: run_s[function], cores)
        self._runtime = SimRuntime(
            self._timer, simulated, lambda events: self._engine.deliver(*events)
        )
        self._controller = make_controller(config, packages, {})
        self._planner = ChargedPlanner(self._timer, make_solver(config.plan), charge_s)

    def of(self, arrivals: Sequence[Arrival], length_s: float) -> Ran:
        """Play calls; memory is counted for a length, as in the live run."""
        recorder = Recorder(len(arrivals))
        outlets = Outlets(recorder.finish, _raise, recorder.moment)
        self._engine = Engine(self._controller, self._runtime, self._timer, self._planner, outlets)
        for number, arrival in enumerate(arrivals):
            self._timer.at(arrival.at_s, partial(self._arrive, number, arrival))
        self._timer.run(length_s)
        recorder.close(length_s)
        self._timer.run(arrivals[-1].at_s + DRAIN_S)
        return Ran(tuple(_outcomes(recorder, arrivals)), recorder.gib_s)

    def _arrive(self, number: int, arrival: Arrival) -> None:
        timeout_s = self._packages[arrival.function].function.timeout_s
        deadline_s = arrival.at_s + timeout_s
        call = Invocation(str(number), arrival.function, arrival.at_s, deadline_s)
        self._engine.deliver(ev.Arrived(arrival.at_s, call))


def _outcomes(recorder: Recorder, arrivals: Sequence[Arrival]) -> list[Outcome]:
    rows = zip(
        arrivals,
        recorder.kind.tolist(),
        recorder.wait_s.tolist(),
        recorder.loading_s.tolist(),
        recorder.run_s.tolist(),
        strict=True,
    )
    return [
        Outcome(
            function=arrival.function,
            at_s=arrival.at_s,
            latency_s=wait_s + loading_s + run_s,
            status=200 if kind >= 0 else 503,
            start_kind=KINDS[kind].value if kind >= 0 else "",
            instance="",
            wait_s=wait_s,
            loading_s=loading_s,
            run_s=run_s,
        )
        for arrival, kind, wait_s, loading_s, run_s in rows
    ]


def _raise(error: BaseException) -> None:
    raise error
