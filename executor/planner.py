"""From what is seen and forecast to a placement problem, and from its answer to wishes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from executor.domain import Function, Instance, InstanceState, Residency, ResidencyState, Tier
from executor.state import Snapshot
from predictors.arrival.forecast import Forecast
from solver import TIERS, Plan, Problem
from solver.builder import Mode, ProblemBuilder
from solver.problem import Tier as ModeTier

CHURN_COST_RATIO = 0.02
"""Cost of a load as a share of the seconds it takes; as in the solver instances of the design."""

LEAST_WORTH = 1e-6
"""Functions less likely to be called than this are left out of the problem."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A residency that the plan wants; ``worth_s`` is what it is expected to save."""

    instance_id: str
    function: str
    tier: Tier
    worth_s: float


def chances(
    snapshot: Snapshot, forecast: Forecast, index: Mapping[str, int]
) -> dict[str, tuple[float, ...]]:
    """P(N >= j) by function, less the copies that running calls will leave behind.

    A busy instance holds its function when it turns idle, long before most horizons end, so it
    serves the first rank already and the plan decides on the ranks after it.
    """
    running = _running(snapshot)
    at_least = forecast.at_least
    return {
        name: tuple(float(p) for p in at_least[index[name], running.get(name, 0) :])
        for name in snapshot.functions
    }


def build(
    snapshot: Snapshot,
    chances: Mapping[str, tuple[float, ...]],
    survival: Mapping[str, float],
    reserve_bytes: int,
) -> Problem | None:
    """State the placement problem of a snapshot; None when nothing can be decided.

    Parameters
    ----------
    snapshot
        What is there; only idle instances are capacity, with what their residencies hold counted
        as free, since those may be taken away.
    chances
        P(N >= j) for j = 1.. of each function within the horizon.
    survival
        Chance of each idle instance to outlive the horizon.
    reserve_bytes
        Memory kept free in each instance.
    """
    idle = [one for one in snapshot.instances.values() if one.state is InstanceState.IDLE]
    owners = {instance.owner for instance in idle}
    functions = [
        function
        for function in snapshot.functions.values()
        if function.owner in owners and chances[function.name][:1] > (LEAST_WORTH,)
    ]
    if not idle or not functions:
        return None
    libraries = _libraries(functions)
    builder = ProblemBuilder()
    for name, size_bytes in libraries.items():
        builder.add_library(name, memory_bytes=size_bytes)
    for function in functions:
        _add_function(builder, function, chances[function.name])
    known = {function.name: function for function in functions}
    for instance in idle:
        free_bytes = capacity_bytes(instance, reserve_bytes)
        builder.add_instance(
            instance.id,
            owner=instance.owner,
            free_memory_bytes=free_bytes,
            survival=survival[instance.id],
        )
        for residency in _held(instance, known, libraries, free_bytes):
            builder.hold(residency.function, instance.id, _mode_tier(residency.tier))
    return builder.build()


def capacity_bytes(instance: Instance, reserve_bytes: int) -> int:
    """Memory that residencies of an instance may take together."""
    return max(0, instance.limit_bytes - instance.base_bytes - reserve_bytes)


def wishes(plan: Plan, chances: Mapping[str, tuple[float, ...]]) -> tuple[Wish, ...]:
    """Name the residencies of a plan, the most valuable first."""
    problem = plan.problem
    found = []
    ranks: dict[int, int] = {}
    for mode, instance in plan.pairs:
        function = int(problem.mode_function[mode])
        name = problem.function_names[function]
        rank = ranks.get(function, 0)
        ranks[function] = rank + 1
        likely = chances[name][rank] if rank < len(chances[name]) else 0.0
        worth_s = likely * float(problem.mode_saving_s[mode] * problem.instance_survival[instance])
        tier = Tier(TIERS[problem.mode_tier[mode]])
        found.append(Wish(problem.instance_names[instance], name, tier, worth_s))
    return tuple(sorted(found, key=lambda wish: -wish.worth_s))


def _running(snapshot: Snapshot) -> dict[str, int]:
    counts: dict[str, int] = {}
    for instance in snapshot.instances.values():
        for residency in instance.residencies.values():
            if residency.state is ResidencyState.RUNNING:
                counts[residency.function] = counts.get(residency.function, 0) + 1
    return counts


def _add_function(builder: ProblemBuilder, function: Function, copies: tuple[float, ...]) -> None:
    profile = function.profile
    host = Mode(
        tier="host",
        memory_bytes=profile.memory_bytes,
        saving_s=profile.ready_s,
        load_cost_s=CHURN_COST_RATIO * profile.ready_s,
    )
    builder.add_function(function.name, function.owner, copies, [host], function.library)


def _libraries(functions: list[Function]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for function in functions:
        if function.library is not None:
            size = function.profile.library_bytes
            sizes[function.library] = max(sizes.get(function.library, 0), size)
    return sizes


def _held(
    instance: Instance,
    known: Mapping[str, Function],
    libraries: Mapping[str, int],
    free_bytes: int,
) -> Iterator[Residency]:
    """Give what an instance holds, as far as it fits by the profiles that loads are planned with.

    Footprints are measured anew all the time, so that what is held may seem to need more than
    there is; the rest is then planned as if it had to be loaded, and stays if it is.
    """
    groups: set[str] = set()
    for residency in instance.residencies.values():
        function = known.get(residency.function)
        if function is None or residency.state is ResidencyState.OFFLOADING:
            continue
        size_bytes = function.profile.memory_bytes
        if function.library is not None and function.library not in groups:
            size_bytes += libraries[function.library]
        if size_bytes <= free_bytes:
            free_bytes -= size_bytes
            groups |= {function.library} if function.library is not None else set()
            yield residency


def _mode_tier(tier: Tier) -> ModeTier:
    return "gpu" if tier is Tier.GPU else "host"
