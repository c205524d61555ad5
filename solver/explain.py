"""Why a function is placed where it is, or what placing it would take."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from solver.checks import gpu_memory_bytes, memory_bytes
from solver.errors import SolverError
from solver.objective import objective
from solver.pairs import Rows
from solver.plan import Plan
from solver.problem import TIERS, Problem, Tier
from solver.shadow import ShadowPrices, shadow_prices

MIB: Final = 2**20


class UnknownFunction(SolverError, ValueError):
    """The problem has no function of that name."""


@dataclass(frozen=True)
class Residency:
    """A function in an instance."""

    function: str
    instance: str
    tier: Tier


@dataclass(frozen=True)
class Placed:
    """A residency of the plan.

    Attributes
    ----------
    saves_s : float
        What the plan would lose without it.
    pays_s : float
        What the memory that it takes is worth at shadow prices.
    held : bool
        Whether it is in place already.
    """

    residency: Residency
    saves_s: float
    pays_s: float
    held: bool


@dataclass(frozen=True)
class Option:
    """A residency that the plan does not have.

    Attributes
    ----------
    saves_s : float
        What it would add, load cost paid, if there were room.
    missing_bytes, missing_gpu_bytes : int
        Memory that is not free for it.
    displaced : tuple of Residency or None
        Residencies that would have to go; None when pinned ones stand in the way.
    loss_s : float
        What those save.
    memory_price_s_per_mib, gpu_memory_price_s_per_mib : float
        Shadow prices of the instance's memory and its GPU's.
    """

    residency: Residency
    saves_s: float
    missing_bytes: int
    missing_gpu_bytes: int
    displaced: tuple[Residency, ...] | None
    loss_s: float
    memory_price_s_per_mib: float
    gpu_memory_price_s_per_mib: float

    @property
    def short_s(self) -> float:
        """Seconds that it would have to save in addition to be worth its place."""
        return self.loss_s - self.saves_s


@dataclass(frozen=True)
class Explanation:
    """Where a function is and why, or why it is nowhere; options with the nearest first."""

    function: str
    placed: tuple[Placed, ...]
    reason: str | None
    options: tuple[Option, ...]


def explain(plan: Plan, function: str) -> Explanation:
    """Explain what a plan does with a function.

    Raises
    ------
    UnknownFunction
        When the problem has no function of that name.
    """
    problem = plan.problem
    if function not in problem.function_names:
        raise UnknownFunction(f"function is {function!r}, expected one of the problem's functions")
    index = problem.function_names.index(function)
    view = _View(plan, shadow_prices(plan))
    mine = plan.pairs[problem.mode_function[plan.pairs[:, 0]] == index]
    rows = problem.pairs.rows(problem.pairs.function == index)
    elsewhere = rows[~np.isin(rows[:, 1], mine[:, 1])]
    options = [view.option(row) for row in elsewhere]
    return Explanation(
        function=function,
        placed=tuple(view.placed(row) for row in mine),
        reason=dict(plan.unplaced).get(index),
        options=tuple(
            sorted(options, key=lambda option: (option.displaced is None, option.short_s))
        ),
    )


class _View:
    """A plan with what is derived from it once."""

    def __init__(self, plan: Plan, prices: ShadowPrices) -> None:
        self._plan = plan
        self._problem = plan.problem
        self._prices = prices
        self._function = plan.problem.mode_function[plan.pairs[:, 0]]
        self._gpu = plan.problem.instance_gpu[plan.pairs[:, 1]]
        self._on_gpu = plan.problem.mode_tier[plan.pairs[:, 0]] == 1
        self._pinned = {tuple(row) for row in plan.problem.pinned.tolist()}
        self._loads = {tuple(row) for row in plan.loads.tolist()}

    def placed(self, row: Rows) -> Placed:
        """Explain a row (mode, instance) of the plan."""
        mode, instance = row.tolist()
        pays_s = self._problem.mode_memory_bytes[mode] * self._prices.memory_s[instance]
        if self._problem.mode_tier[mode] == 1:
            price = self._prices.gpu_memory_s[self._problem.instance_gpu[instance]]
            pays_s += self._problem.mode_gpu_memory_bytes[mode] * price
        return Placed(
            residency=_residency(self._problem, row),
            saves_s=self._loss([row]),
            pays_s=float(pays_s),
            held=(mode, instance) not in self._loads,
        )

    def option(self, row: Rows) -> Option:
        """Explain a row (mode, instance) that the plan does not have."""
        gpu = self._problem.instance_gpu[row[1]]
        on_gpu = gpu >= 0 and self._problem.mode_tier[row[0]] == 1
        missing = self._missing(row, [])
        displaced = self._displaced(row)
        return Option(
            residency=_residency(self._problem, row),
            saves_s=self._gain(row),
            missing_bytes=missing[0],
            missing_gpu_bytes=missing[1],
            displaced=None
            if displaced is None
            else tuple(_residency(self._problem, one) for one in displaced),
            loss_s=self._loss(displaced or []),
            memory_price_s_per_mib=float(self._prices.memory_s[row[1]] * MIB),
            gpu_memory_price_s_per_mib=float(self._prices.gpu_memory_s[gpu] * MIB) if on_gpu else 0,
        )

    def _gain(self, row: Rows) -> float:
        mine = self._plan.pairs[self._function == self._problem.mode_function[row[0]]]
        return objective(self._problem, np.vstack([mine, row])) - objective(self._problem, mine)

    def _loss(self, rows: list[Rows]) -> float:
        """Return what the plan loses without some of its rows."""
        functions = {int(self._problem.mode_function[row[0]]) for row in rows}
        mine = self._plan.pairs[np.isin(self._function, list(functions))]
        return objective(self._problem, mine) - objective(self._problem, _without(mine, rows))

    def _missing(self, row: Rows, displaced: list[Rows]) -> tuple[int, int]:
        """Return bytes of memory and GPU memory that a row lacks once others are gone."""
        rows = np.vstack([_without(self._plan.pairs, displaced), row])
        over = memory_bytes(self._problem, rows) - self._problem.instance_free_memory_bytes
        over_gpu = gpu_memory_bytes(self._problem, rows) - self._problem.gpu_free_memory_bytes
        gpu = self._problem.instance_gpu[row[1]]
        lacks_gpu = int(over_gpu[gpu]) if gpu >= 0 else 0
        return max(0, int(over[row[1]])), max(0, lacks_gpu)

    def _displaced(self, row: Rows) -> list[Rows] | None:
        """Return rows that make room: cheapest per byte first, then without superfluous ones."""
        chosen: list[Rows] = []
        for other in self._in_the_way(row):
            if not any(self._missing(row, chosen)):
                break
            chosen.append(other)
        if any(self._missing(row, chosen)):
            return None
        for other in list(chosen):
            fewer = [one for one in chosen if one is not other]
            if not any(self._missing(row, fewer)):
                chosen = fewer
        return chosen

    def _in_the_way(self, row: Rows) -> list[Rows]:
        """Return rows that free what a row lacks, the least loss for it first."""
        lacks, lacks_gpu = self._missing(row, [])
        gpu = self._problem.instance_gpu[row[1]]
        here = (self._plan.pairs[:, 1] == row[1]) & (lacks > 0)
        beside = self._on_gpu & (self._gpu == gpu) & (gpu >= 0) & (lacks_gpu > 0)
        rows = [
            one
            for one in self._plan.pairs[here | beside]
            if tuple(one.tolist()) not in self._pinned
        ]

        def loss_by_use(one: Rows) -> float:
            frees = self._problem.mode_memory_bytes[one[0]] * (one[1] == row[1])
            frees_gpu = self._problem.mode_gpu_memory_bytes[one[0]]
            use = float(min(1.0, frees / max(1, lacks)) * (lacks > 0))
            use += float(min(1.0, frees_gpu / max(1, lacks_gpu)) * (lacks_gpu > 0))
            return self._loss([one]) / max(use, 1e-9)

        return sorted(rows, key=loss_by_use)


def _residency(problem: Problem, row: Rows) -> Residency:
    mode, instance = row.tolist()
    return Residency(
        problem.function_names[problem.mode_function[mode]],
        problem.instance_names[instance],
        TIERS[problem.mode_tier[mode]],
    )


def _without(rows: Rows, gone: Iterable[Rows]) -> Rows:
    names = {tuple(row.tolist()) for row in gone}
    keep = [tuple(row) not in names for row in rows.tolist()]
    return rows[np.array(keep, dtype=np.bool_)]
