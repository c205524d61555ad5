"""The allowed pairs (mode, instance) of a problem, with their worth and cost."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from solver.compiled import compiled

if TYPE_CHECKING:
    from solver.problem import Problem

Rows = NDArray[np.int32]

_NONE: Final = -1
_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True, eq=False)
class Pairs:
    """The allowed pairs, ascending by mode, then instance.

    Attributes
    ----------
    mode, instance : int32[n]
        The pair itself.
    """

    problem: "Problem"
    mode: NDArray[np.int32]
    instance: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.mode)

    @cached_property
    def function(self) -> NDArray[np.int32]:
        """Function of each pair, int32[n]."""
        return self.problem.mode_function[self.mode]

    @cached_property
    def start(self) -> NDArray[np.int64]:
        """Pairs of mode ``m`` are ``start[m]:start[m + 1]``, int64[M + 1]."""
        return np.searchsorted(self.mode, np.arange(self.problem.n_modes + 1)).astype(np.int64)

    @cached_property
    def value_s(self) -> NDArray[np.float64]:
        """Seconds saved when the pair serves a call, float64[n]: saving by survival."""
        saving_s = self.problem.mode_saving_s[self.mode]
        return _frozen(saving_s * self.problem.instance_survival[self.instance])

    @cached_property
    def held(self) -> NDArray[np.bool_]:
        """True for a pair that is in place now, bool[n]."""
        held = np.zeros(len(self), dtype=np.bool_)
        held[self.find(self.problem.held)] = True
        return _frozen(held)

    @cached_property
    def cost_s(self) -> NDArray[np.float64]:
        """Load cost, float64[n]; 0 for a held pair."""
        problem, cost_s = self.problem, self.problem.mode_load_cost_s[self.mode]
        if len(problem.load_cost_pairs):
            position = self.find(problem.load_cost_pairs)
            known = position >= 0
            cost_s[position[known]] = problem.load_cost_s[known]
        cost_s[self.held] = 0.0
        return _frozen(cost_s)

    @cached_property
    def key(self) -> NDArray[np.int64]:
        """Ascending sort key of each pair, int64[n]."""
        return pair_key(self.problem, self.mode, self.instance)

    @cached_property
    def setups(self) -> "Setups":
        """The (library, instance) combinations that the pairs need."""
        return _setups(self)

    def find(self, rows: Rows) -> NDArray[np.int64]:
        """Return the position of each row (mode, instance), -1 where it is not allowed."""
        wanted = pair_key(self.problem, rows[:, 0], rows[:, 1])
        if len(self) == 0:
            return np.full(len(rows), -1, dtype=np.int64)
        position = np.minimum(np.searchsorted(self.key, wanted), len(self) - 1)
        return np.where(self.key[position] == wanted, position, -1)

    def rows(self, chosen: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Rows:
        """Return the chosen pairs as rows (mode, instance), int32[k, 2]."""
        return np.stack([self.mode[chosen], self.instance[chosen]], axis=1)


@dataclass(frozen=True, eq=False)
class Setups:
    """Libraries that may have to be present in an instance.

    Attributes
    ----------
    of_pair : int32[n]
        Setup that each pair needs, -1 for none.
    library, instance : int32[S]
        What and where.
    """

    of_pair: NDArray[np.int32]
    library: NDArray[np.int32]
    instance: NDArray[np.int32]


def pair_key(
    problem: "Problem", mode: NDArray[np.int32], instance: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Return a number per pair that orders pairs by mode, then instance."""
    return mode.astype(np.int64) * max(1, problem.n_instances) + instance


def fits_alone(
    problem: "Problem", mode: NDArray[np.int32], instance: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Tell which pairs fit an otherwise empty instance and GPU, bool[n]."""
    enough = problem.mode_alone_bytes[mode] <= problem.instance_free_memory_bytes[instance]
    on_gpu = problem.mode_tier[mode] == 1
    if not on_gpu.any():
        return enough
    gpu = problem.instance_gpu[instance]
    free = np.append(problem.gpu_free_memory_bytes, -1)[gpu]
    fits: NDArray[np.bool_] = ~on_gpu | (problem.mode_gpu_memory_bytes[mode] <= free)
    return enough & fits


def allowed_pairs(problem: "Problem") -> Pairs:
    """Enumerate the allowed pairs of a problem."""
    on_gpu = problem.mode_tier == 1
    mode, instance = _allowed(
        problem.function_owner[problem.mode_function],
        problem.mode_alone_bytes,
        np.where(on_gpu, problem.mode_gpu_memory_bytes, _NONE),
        problem.instance_owner,
        problem.instance_free_memory_bytes,
        np.append(problem.gpu_free_memory_bytes, _NONE)[problem.instance_gpu],
        np.sort(pair_key(problem, problem.forbidden[:, 0], problem.forbidden[:, 1])),
        problem.n_owners,
    )
    return Pairs(problem, _frozen(mode), _frozen(instance))


@compiled
def _allowed(
    mode_owner: NDArray[np.int32],
    memory_bytes: NDArray[np.int64],
    gpu_bytes: NDArray[np.int64],
    instance_owner: NDArray[np.int32],
    free_bytes: NDArray[np.int64],
    free_gpu_bytes: NDArray[np.int64],
    forbidden: NDArray[np.int64],
    n_owners: int,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return modes and instances of equal owner that fit and are not forbidden, ascending.

    Host modes take ``_NONE`` of a GPU, which an instance without one has. ``forbidden`` are keys
    of pairs, ascending.
    """
    per_owner = np.bincount(instance_owner, minlength=n_owners)
    first = np.cumsum(per_owner) - per_owner
    by_owner = np.argsort(instance_owner, kind="mergesort")
    most = per_owner[mode_owner].sum()
    mode, instance = np.empty(most, np.int32), np.empty(most, np.int32)
    count, banned = 0, 0
    for one in range(len(mode_owner)):
        owner = mode_owner[one]
        for place in by_owner[first[owner] : first[owner] + per_owner[owner]]:
            if memory_bytes[one] > free_bytes[place] or gpu_bytes[one] > free_gpu_bytes[place]:
                continue
            key = one * len(instance_owner) + place
            while banned < len(forbidden) and forbidden[banned] < key:
                banned += 1
            if banned == len(forbidden) or forbidden[banned] != key:
                mode[count], instance[count] = one, place
                count += 1
    return mode[:count].copy(), instance[:count].copy()


def _frozen(column: NDArray[_Number]) -> NDArray[_Number]:
    column.flags.writeable = False
    return column


def _setups(pairs: Pairs) -> Setups:
    problem = pairs.problem
    library = problem.function_library[pairs.function]
    needs = library >= 0
    key = library[needs].astype(np.int64) * max(1, problem.n_instances) + pairs.instance[needs]
    unique, index = np.unique(key, return_inverse=True)
    of_pair = np.full(len(pairs), -1, dtype=np.int32)
    of_pair[needs] = index
    where = divmod(unique, max(1, problem.n_instances))
    return Setups(of_pair, where[0].astype(np.int32), where[1].astype(np.int32))
