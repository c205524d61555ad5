"""Random placement problems of growing size, and their change from tick to tick."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from solver import Plan, Problem
from solver.methods.density import Density

MIB: Final = 2**20
COPIES: Final = 2


@dataclass(frozen=True)
class Size:
    """Dimensions of a random problem."""

    functions: int
    instances: int
    owners: int


SIZES: Final = {
    "S": Size(50, 10, 5),
    "M": Size(1_000, 100, 20),
    "L": Size(10_000, 1_000, 200),
    "XL": Size(100_000, 10_000, 2_000),
}


@dataclass(frozen=True, eq=False)
class Instance:
    """A problem with the arrival rates behind it.

    Attributes
    ----------
    problem : Problem
        Two copies, one mode per function, held state of a slightly different past.
    rate : float64[F]
        Expected calls of each function within the horizon.
    """

    problem: Problem
    rate: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Functions:
    owner: NDArray[np.int64]
    on_gpu: NDArray[np.bool_]
    memory_mib: NDArray[np.float64]
    gpu_memory_mib: NDArray[np.float64]
    saving_s: NDArray[np.float64]
    load_cost_s: NDArray[np.float64]
    rate: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Machines:
    owner: NDArray[np.int64]
    free_mib: NDArray[np.float64]
    gpu: NDArray[np.int64]
    gpu_free_mib: NDArray[np.float64]


def make_instance(size: Size, seed: int) -> Instance:
    """Draw a problem of the given size.

    Model sizes are log-normal around 1.2 GiB, rates follow Zipf's law, bandwidths span a slow
    disk to a warm page cache, 40 % of the functions want a GPU, half of the instances have one.
    What is held was placed by value per byte under rates that have drifted since.
    """
    rng = np.random.default_rng(seed)
    weight = np.arange(1, size.owners + 1) ** -0.6
    share = weight / weight.sum()
    function_owner = rng.choice(size.owners, size.functions, p=share)
    instance_owner = rng.choice(size.owners, size.instances, p=share)
    functions = _draw_functions(rng, function_owner)
    machines = _draw_machines(rng, instance_owner)
    past_rate = functions.rate * np.exp(rng.normal(0, 0.5, size.functions))
    past = _problem(size, functions, machines, past_rate)
    before = Density().solve(past, deadline_s=60.0, seed=0, incumbent=None)
    return Instance(with_rates(past, functions.rate, before), functions.rate)


def next_tick(instance: Instance, last: Plan, rng: np.random.Generator) -> Instance:
    """Return the next tick's problem: a fifth of the rates drift, ``last`` is held."""
    n = len(instance.rate)
    changed = rng.permutation(n)[: n // 5]
    rate = instance.rate.copy()
    rate[changed] *= np.exp(rng.normal(0, 0.3, len(changed)))
    return Instance(with_rates(instance.problem, rate, last), rate)


def with_rates(problem: Problem, rate: NDArray[np.float64], held: Plan) -> Problem:
    """Return the problem with new arrival rates, and a plan in place."""
    return replace(problem, copies=poisson_copies(rate), held=held.pairs)


def poisson_copies(rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return P(N >= 1), P(N >= 2) of Poisson arrivals, float64[F, 2]."""
    none = np.exp(-rate)
    return np.stack([-np.expm1(-rate), np.maximum(0.0, 1 - none - rate * none)], axis=1)


def _draw_functions(rng: np.random.Generator, owner: NDArray[np.int64]) -> _Functions:
    n = len(owner)
    size_mib = np.clip(np.rint(rng.lognormal(np.log(1200), 1.2, n)), 50, 16384)
    on_gpu = rng.random(n) < 0.4
    bandwidth = np.exp(rng.uniform(np.log(512), np.log(2048), n))
    saving_s = 0.4 + size_mib / bandwidth + np.where(on_gpu, size_mib / 6144, 0)
    rate = 1.0 / (rng.permutation(n) + 1)
    return _Functions(
        owner=owner,
        on_gpu=on_gpu,
        memory_mib=np.where(on_gpu, np.ceil(0.5 * size_mib) + 300, size_mib),
        gpu_memory_mib=np.where(on_gpu, np.ceil(1.1 * size_mib) + 200, 0),
        saving_s=saving_s,
        load_cost_s=0.02 * saving_s + 0.01 * size_mib / 1024,
        rate=rate * (0.3 * n / rate.sum()),
    )


def _draw_machines(rng: np.random.Generator, owner: NDArray[np.int64]) -> _Machines:
    n = len(owner)
    free_mib = np.rint(np.exp(rng.uniform(np.log(2048), np.log(32768), n)))
    has_gpu = rng.random(n) < 0.5
    gpus = max(1, -(-int(has_gpu.sum()) // 3))
    gpu = np.where(has_gpu, rng.integers(0, gpus, n), -1)
    total_gib = rng.choice([24, 40, 48, 80], gpus)
    return _Machines(
        owner=owner,
        free_mib=free_mib,
        gpu=gpu,
        gpu_free_mib=np.rint(total_gib * 1024 * rng.uniform(0.3, 1, gpus)),
    )


def _problem(
    size: Size, functions: _Functions, machines: _Machines, rate: NDArray[np.float64]
) -> Problem:
    return Problem(
        owner_names=_names("u", size.owners),
        function_names=_names("f", size.functions),
        function_owner=functions.owner.astype(np.int32),
        function_library=np.full(size.functions, -1, dtype=np.int32),
        copies=poisson_copies(rate),
        mode_function=np.arange(size.functions, dtype=np.int32),
        mode_tier=functions.on_gpu.astype(np.int8),
        mode_memory_bytes=_bytes(functions.memory_mib),
        mode_gpu_memory_bytes=_bytes(functions.gpu_memory_mib),
        mode_saving_s=functions.saving_s,
        mode_load_cost_s=functions.load_cost_s,
        library_names=(),
        library_memory_bytes=np.zeros(0, dtype=np.int64),
        instance_names=_names("i", size.instances),
        instance_owner=machines.owner.astype(np.int32),
        instance_free_memory_bytes=_bytes(machines.free_mib),
        instance_gpu=machines.gpu.astype(np.int32),
        instance_survival=np.ones(size.instances),
        gpu_names=_names("k", len(machines.gpu_free_mib)),
        gpu_free_memory_bytes=_bytes(machines.gpu_free_mib),
    )


def _bytes(mib: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray(mib * MIB, dtype=np.int64)


def _names(prefix: str, count: int) -> tuple[str, ...]:
    return tuple(f"{prefix}{n}" for n in range(count))
