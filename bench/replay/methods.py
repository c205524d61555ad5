"""What is compared: ways to pre-load, and policies to pre-load under."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.replay.oracles import Certain, Clairvoyant, InstaInferPredictor, Loaded
from bench.replay.workload import Workload
from executor.domain import ResidencyState
from executor.preload import PlanSettings
from executor.reconcile import Budget
from executor.state import State
from executor.units import GIB
from predictors.arrival.mixture import MixturePredictor
from predictors.arrival.poisson import PoissonPredictor
from predictors.arrival.protocol import ArrivalPredictor
from predictors.keepalive.azure_premium import AzurePremium
from predictors.keepalive.faascache import FaasCache
from predictors.keepalive.fixed import AlwaysOn, NoKeepAlive
from predictors.keepalive.histogram import HybridHistogram
from predictors.keepalive.openwhisk import OpenWhisk
from predictors.keepalive.pagurus import Pagurus
from predictors.keepalive.protocol import KeepAlivePolicy, StemCell
from solver import Method, Plan, Problem
from solver.methods.density import Density
from solver.methods.greedy import place_fitting
from solver.methods.price import Price
from solver.methods.priority import Priority
from solver.plan import make_plan

Solver: TypeAlias = Callable[[Problem], Plan]

_LOADED: Final = (ResidencyState.READY, ResidencyState.LOADING, ResidencyState.MOVING)

STEPS_PER_INSTANCE: Final = 6
"""Steps of the production heuristic; set, since time left of a deadline would differ by machine.
Ten give the same mean latency within 0.1 % (thirty minutes; five seeds at 240 GiB, three at 120),
four lost up to 1.3 %."""
SOLVE_S: Final = 60.0
"""Time allowed for a solve; no method but the heuristic, whose clock stands, looks at it."""
STEM_CELLS: Final = (StemCell("python", GIB, 2),)
"""Two, as the manifest of OpenWhisk has for its most used kind; large enough for small models."""

BUDGET: Final = Budget(loads_per_worker=64)
PLAN: Final = PlanSettings(7.0, period_s=8.0, budget=BUDGET, rest_s=1.0, patience_s=4.0)
"""The same for all. The horizon is about as long as a busy owner's container stays untouched.
Patience makes three times fewer plans than every second does, at the same mean latency by any
method (docs/replay.md)."""


@dataclass(frozen=True, slots=True)
class Preload:
    """A predictor and a solver; without a plan nothing is pre-loaded."""

    predictor: ArrivalPredictor
    solver: Solver
    plan: PlanSettings | None


def _none(_: Workload, __: Callable[[], State]) -> Preload:
    return Preload(PoissonPredictor(), _by(Priority()), None)


def _own(_: Workload, state: Callable[[], State]) -> Preload:
    """Each function in the instances created for it."""
    return Preload(Certain(), lambda problem: _own_plan(problem, state()), PLAN)


def _instainfer(_: Workload, state: Callable[[], State]) -> Preload:
    """E = P x T, worst fit (Sui et al., SoCC 2024)."""
    return Preload(InstaInferPredictor(_loaded(state)), _published(Priority()), PLAN)


def _tyche(_: Workload, state: Callable[[], State]) -> Preload:
    """Value density over all instances (Sui et al., IEEE TPDS 2026), chances as in InstaInfer."""
    return Preload(InstaInferPredictor(_loaded(state)), _published(Density()), PLAN)


def _headstart(_: Workload, __: Callable[[], State]) -> Preload:
    return Preload(MixturePredictor(), _by(_production()), PLAN)


def _clairvoyant(workload: Workload, _: Callable[[], State]) -> Preload:
    predictor = Clairvoyant(workload.arrivals, len(workload.functions))
    return Preload(predictor, _by(_production()), PLAN)


PRELOADS: Final[dict[str, Callable[[Workload, Callable[[], State]], Preload]]] = {
    "none": _none,
    "own": _own,
    "instainfer": _instainfer,
    "tyche": _tyche,
    "headstart": _headstart,
    "clairvoyant": _clairvoyant,
}

POLICIES: Final[dict[str, Callable[[np.random.Generator], KeepAlivePolicy]]] = {
    "openwhisk": lambda _: OpenWhisk(STEM_CELLS),
    "histogram": lambda _: HybridHistogram(),
    "faascache": lambda _: FaasCache(),
    "pagurus": Pagurus,
    "azure_premium": lambda _: AzurePremium(),
    "none": lambda _: NoKeepAlive(),
    "always_on": lambda _: AlwaysOn(),
}


def _production() -> Method:
    """Return the production heuristic; its clock stands still, since its search goes by time."""
    return Price(steps_per_instance=STEPS_PER_INSTANCE, clock=lambda: 0.0)


def _by(method: Method) -> Solver:
    return lambda problem: method.solve(problem, deadline_s=SOLVE_S, seed=0, incumbent=None)


def _published(method: Method) -> Solver:
    """Solve without what functions in one container cost each other: no published rule knows it."""
    solver = _by(method)
    return lambda problem: solver(
        replace(
            problem,
            load_cost_pairs=np.zeros((0, 2), np.int32),
            load_cost_s=np.zeros(0),
            trusted=True,
        )
    )


def _loaded(state: Callable[[], State]) -> Loaded:
    """Tell of functions, numbered as in the state, whether one is loaded or being loaded."""

    def loaded(rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        here = state()
        names = list(here.functions)
        return np.array([_is_loaded(here, names[row]) for row in rows.tolist()], np.bool_)

    return loaded


def _is_loaded(state: State, function: str) -> bool:
    return any(one.residencies[function].state in _LOADED for one in state.holders(function))


def _own_plan(problem: Problem, state: State) -> Plan:
    """Place each instance's own function, on its GPU if that has room, else in memory."""
    owned: dict[str, list[int]] = {}
    for instance, id_ in enumerate(problem.instance_names):
        owned.setdefault(state.instances[id_].function, []).append(instance)
    dearest_first = np.argsort(-problem.mode_tier, kind="stable").tolist()
    names = [problem.function_names[function] for function in problem.mode_function.tolist()]
    wanted = [(mode, one) for mode in dearest_first for one in owned.get(names[mode], ())]
    placed = place_fitting(problem, np.array(wanted, np.int32).reshape(-1, 2))
    return make_plan(problem, placed, method="own", status="feasible", solve_s=0.0)
