"""Problems built row by row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from solver.errors import InvalidProblem
from solver.problem import TIERS, Problem, Tier


@dataclass(frozen=True)
class Mode:
    """One way to keep a function resident; units as in ``Problem``."""

    tier: Tier
    memory_bytes: int
    saving_s: float
    load_cost_s: float
    gpu_memory_bytes: int = 0


_COLUMNS: Final = (
    "function_owner",
    "function_library",
    "copies",
    "mode_function",
    "mode_tier",
    "mode_memory_bytes",
    "mode_gpu_memory_bytes",
    "mode_saving_s",
    "mode_load_cost_s",
    "library_memory_bytes",
    "instance_owner",
    "instance_free_memory_bytes",
    "instance_gpu",
    "instance_survival",
    "gpu_free_memory_bytes",
    "held",
    "pinned",
    "forbidden",
    "load_cost_pairs",
    "load_cost_s",
)


@dataclass
class ProblemBuilder:
    """Collects named rows and turns them into the columns of a ``Problem``.

    Libraries and GPUs come before the functions and instances that name them. Every method
    raises ``InvalidProblem`` for a name that is unknown or given twice; ``build`` raises it for
    everything else.
    """

    _owners: dict[str, int] = field(default_factory=dict)
    _functions: dict[str, int] = field(default_factory=dict)
    _libraries: dict[str, int] = field(default_factory=dict)
    _instances: dict[str, int] = field(default_factory=dict)
    _gpus: dict[str, int] = field(default_factory=dict)
    _modes: dict[tuple[int, str], int] = field(default_factory=dict)
    _columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in _COLUMNS})

    def add_library(self, name: str, memory_bytes: int) -> None:
        """Add a library group, whose bytes count once in each instance that uses it."""
        _add(self._libraries, "library", name)
        self._columns["library_memory_bytes"].append(memory_bytes)

    def add_gpu(self, name: str, free_memory_bytes: int) -> None:
        """Add a GPU."""
        _add(self._gpus, "gpu", name)
        self._columns["gpu_free_memory_bytes"].append(free_memory_bytes)

    def add_function(
        self,
        name: str,
        owner: str,
        copies: Sequence[float],
        modes: Sequence[Mode],
        library: str | None = None,
    ) -> None:
        """Add a function; ``copies[j - 1]`` is P(at least j calls within the horizon)."""
        _add(self._functions, "function", name)
        group = -1 if library is None else _find(self._libraries, "library", library)
        self._columns["function_owner"].append(self._owners.setdefault(owner, len(self._owners)))
        self._columns["function_library"].append(group)
        self._columns["copies"].append(tuple(copies))
        for mode in modes:
            self._add_mode(name, mode)

    def add_instance(
        self,
        name: str,
        owner: str,
        free_memory_bytes: int,
        gpu: str | None = None,
        survival: float = 1.0,
    ) -> None:
        """Add an instance; its free bytes count what is held now as free."""
        _add(self._instances, "instance", name)
        self._columns["instance_owner"].append(self._owners.setdefault(owner, len(self._owners)))
        self._columns["instance_free_memory_bytes"].append(free_memory_bytes)
        self._columns["instance_gpu"].append(-1 if gpu is None else _find(self._gpus, "gpu", gpu))
        self._columns["instance_survival"].append(survival)

    def hold(self, function: str, instance: str, tier: Tier) -> None:
        """Say that a residency is in place now."""
        self._columns["held"].append(self._pair(function, instance, tier))

    def pin(self, function: str, instance: str, tier: Tier) -> None:
        """Demand a residency."""
        self._columns["pinned"].append(self._pair(function, instance, tier))

    def forbid(self, function: str, instance: str, tier: Tier) -> None:
        """Rule a residency out."""
        self._columns["forbidden"].append(self._pair(function, instance, tier))

    def set_load_cost(self, function: str, instance: str, tier: Tier, load_cost_s: float) -> None:
        """Set the load cost of a single pair."""
        self._columns["load_cost_pairs"].append(self._pair(function, instance, tier))
        self._columns["load_cost_s"].append(load_cost_s)

    def build(self) -> Problem:
        """Return the problem.

        Raises
        ------
        InvalidProblem
            Naming the first entry that breaks a rule.
        """
        columns: dict[str, Any] = {**self._columns, "copies": _padded(self._columns["copies"])}
        return Problem(
            owner_names=tuple(self._owners),
            function_names=tuple(self._functions),
            library_names=tuple(self._libraries),
            instance_names=tuple(self._instances),
            gpu_names=tuple(self._gpus),
            **columns,
        )

    def _add_mode(self, function: str, mode: Mode) -> None:
        index = self._functions[function]
        if mode.tier not in TIERS:
            raise InvalidProblem(f"function {function!r} tier", mode.tier, " or ".join(TIERS))
        if (index, mode.tier) in self._modes:
            raise InvalidProblem(f"function {function!r} tier", mode.tier, "each tier once")
        self._modes[index, mode.tier] = len(self._modes)
        self._columns["mode_function"].append(index)
        self._columns["mode_tier"].append(TIERS.index(mode.tier))
        self._columns["mode_memory_bytes"].append(mode.memory_bytes)
        self._columns["mode_gpu_memory_bytes"].append(mode.gpu_memory_bytes)
        self._columns["mode_saving_s"].append(mode.saving_s)
        self._columns["mode_load_cost_s"].append(mode.load_cost_s)

    def _pair(self, function: str, instance: str, tier: Tier) -> tuple[int, int]:
        index = _find(self._functions, "function", function)
        if (index, tier) not in self._modes:
            raise InvalidProblem(f"function {function!r} tier", tier, "a mode of that tier")
        return self._modes[index, tier], _find(self._instances, "instance", instance)


def _add(names: dict[str, int], kind: str, name: str) -> None:
    if name in names:
        raise InvalidProblem(f"{kind} name", name, "each name once")
    names[name] = len(names)


def _find(names: dict[str, int], kind: str, name: str) -> int:
    if name not in names:
        raise InvalidProblem(f"{kind} name", name, f"a known {kind}")
    return names[name]


def _padded(rows: list[tuple[float, ...]]) -> np.ndarray[Any, Any]:
    """Return ranks of unequal number as a table, zeros where a function has none."""
    ranks = max(map(len, rows), default=1)
    table = np.zeros((len(rows), max(1, ranks)))
    for index, row in enumerate(rows):
        table[index, : len(row)] = row
    return table
