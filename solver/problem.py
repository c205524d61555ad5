"""The placement problem as frozen columns, validated once."""

from dataclasses import InitVar, dataclass, field, fields
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from solver.checks import validate
from solver.columns import column
from solver.pairs import Pairs, allowed_pairs

Tier = Literal["host", "gpu"]
TIERS: Final[tuple[Tier, Tier]] = ("host", "gpu")

Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]


def _no_rows() -> Int32:
    return np.zeros((0, 2), dtype=np.int32)


def _no_costs() -> Float64:
    return np.zeros(0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Problem:
    """What could be resident where, what it would save, and what it would take.

    F functions, M modes, L library groups, I instances, K GPUs, J copy ranks. Arrays are copied,
    brought to the type below and made read-only; nothing is rounded or clipped.

    Parameters
    ----------
    owner_names, function_names, library_names, instance_names, gpu_names
        Names, unique within each kind.
    function_owner : int32[F]
        Owner of each function; it may use that owner's instances only.
    function_library : int32[F]
        Library group of each function, -1 for none.
    copies : float64[F, J]
        ``copies[f, j - 1]`` is P(at least j calls of f within the horizon); falls along j.
    mode_function : int32[M]
        Function of each mode, ascending; each function has a mode.
    mode_tier : int8[M]
        Index into ``TIERS``.
    mode_memory_bytes, mode_gpu_memory_bytes : int64[M]
        Memory that a residency takes, without the bytes of its library group.
    mode_saving_s : float64[M]
        Seconds that a residency saves when it serves a call.
    mode_load_cost_s : float64[M]
        Cost of loading, in seconds saved; held pairs cost nothing.
    library_memory_bytes : int64[L]
        Taken once in each instance with a residency of the group.
    instance_owner, instance_free_memory_bytes : int32[I], int64[I]
        Free bytes count what is held now as free.
    instance_gpu : int32[I]
        GPU of each instance, -1 for none.
    instance_survival : float64[I]
        Chance that the instance outlives the horizon.
    gpu_free_memory_bytes : int64[K]
        Shared by all instances on that GPU.
    held, pinned, forbidden : int32[n, 2]
        Rows (mode, instance): in place now; must be in the plan; must not be.
    load_cost_pairs, load_cost_s : int32[n, 2], float64[n]
        Load costs of single pairs, where they differ from that of the mode.
    trusted : bool
        The columns have their types and keep all rules, as those of a planner do, which states a
        problem with every tick: they are taken as they are.

    Raises
    ------
    InvalidProblem
        Naming the first entry that breaks a rule, with its value.
    """

    owner_names: tuple[str, ...]
    function_names: tuple[str, ...]
    function_owner: Int32
    function_library: Int32
    copies: Float64
    mode_function: Int32
    mode_tier: Int8
    mode_memory_bytes: Int64
    mode_gpu_memory_bytes: Int64
    mode_saving_s: Float64
    mode_load_cost_s: Float64
    library_names: tuple[str, ...]
    library_memory_bytes: Int64
    instance_names: tuple[str, ...]
    instance_owner: Int32
    instance_free_memory_bytes: Int64
    instance_gpu: Int32
    instance_survival: Float64
    gpu_names: tuple[str, ...]
    gpu_free_memory_bytes: Int64
    held: Int32 = field(default_factory=_no_rows)
    pinned: Int32 = field(default_factory=_no_rows)
    forbidden: Int32 = field(default_factory=_no_rows)
    load_cost_pairs: Int32 = field(default_factory=_no_rows)
    load_cost_s: Float64 = field(default_factory=_no_costs)
    trusted: InitVar[bool] = False

    def __post_init__(self, trusted: bool) -> None:
        if trusted:
            self._freeze()
            return
        for name in _COLUMNS:
            object.__setattr__(self, name, column(name, getattr(self, name)))
        validate(self)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is derived, so that a problem travels light between processes."""
        return {name: getattr(self, name) for name in _COLUMNS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self._freeze()

    def _freeze(self) -> None:
        for name in _COLUMNS:
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    @property
    def n_owners(self) -> int:
        """Number of owners."""
        return len(self.owner_names)

    @property
    def n_functions(self) -> int:
        """Number of functions, F."""
        return len(self.function_names)

    @property
    def n_modes(self) -> int:
        """Number of modes, M."""
        return len(self.mode_function)

    @property
    def n_instances(self) -> int:
        """Number of instances, I."""
        return len(self.instance_names)

    @property
    def n_gpus(self) -> int:
        """Number of GPUs, K."""
        return len(self.gpu_names)

    @cached_property
    def mode_start(self) -> Int32:
        """Modes of function ``f`` are ``mode_start[f]:mode_start[f + 1]``, int32[F + 1]."""
        ranks = np.arange(self.n_functions + 1)
        return np.searchsorted(self.mode_function, ranks).astype(np.int32)

    @cached_property
    def mode_library(self) -> Int32:
        """Library group of each mode, -1 for none, int32[M]."""
        return self.function_library[self.mode_function]

    @cached_property
    def mode_alone_bytes(self) -> Int64:
        """Memory of each mode together with its library group, int64[M]."""
        shared: Int64 = np.append(self.library_memory_bytes, 0)[self.mode_library]
        return self.mode_memory_bytes + shared

    @cached_property
    def pairs(self) -> Pairs:
        """The allowed pairs (mode, instance)."""
        return allowed_pairs(self)


_COLUMNS: Final = tuple(one.name for one in fields(Problem))
