"""The linear relaxation, for prices to start from."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from solver.methods.decomposed.network import Float64, Int64, Network, Records
from solver.methods.decomposed.prices import Prices, price_range

_TOLERANCE: Final = 1e-4
"""Relative; any prices prove a bound, and the centre of the best ones is a better start."""


def relaxed_prices(network: Network, limit_s: float) -> Prices:
    """Return the dual prices of the linear relaxation, or rough ones if the time is too short.

    Raises
    ------
    MissingSolver
        If highspy is not installed.
    """
    from solver.methods.highs import SilentHighs, highspy

    if len(network.pairs) == 0:
        return rough_prices(network)
    model = _Model(network)
    solver = SilentHighs()
    solver.setOptionValue("solver", "ipm")
    solver.setOptionValue("run_crossover", "off")
    solver.setOptionValue("ipm_optimality_tolerance", _TOLERANCE)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("time_limit", limit_s)
    solver.passModel(model.lp(highspy))
    solver.run()
    solution = solver.getSolution()
    if not solution.dual_valid:
        return rough_prices(network)
    return model.prices(-np.array(solution.row_dual))


def rough_prices(network: Network) -> Prices:
    """Return prices in the middle of their range, and GPU memory for nothing."""
    low, high = price_range(network)
    return Prices(row=0.5 * (low + high), gpu=np.zeros(len(network.gpu_memory)))


@dataclass
class _Rows:
    """A sparse matrix under construction, one kind of rows after the other."""

    row: list[Int64] = field(default_factory=list)
    column: list[Int64] = field(default_factory=list)
    entry: list[Float64] = field(default_factory=list)
    upper: list[Float64] = field(default_factory=list)
    count: int = 0

    def add(self, upper: NDArray[Any], *entries: tuple[Int64, Int64, NDArray[Any]]) -> int:
        """Add rows with these upper limits; return the number of the first."""
        first = self.count
        for row, column, entry in entries:
            self.row.append(row + first)
            self.column.append(column)
            self.entry.append(np.broadcast_to(entry, len(row)).astype(np.float64))
        self.upper.append(np.asarray(upper, dtype=np.float64))
        self.count += len(upper)
        return first


class _Model:
    """The linear relaxation over uses (pair, price row), setups and paying ranks.

    A use of a uniform function feeds its one row, from which the ranks draw; a use of another
    function takes one rank, and there is one use per rank. Pins take memory only: these prices are
    a start, and any price is valid.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.pair, self.row, self.worth = _uses(network)
        self.setup, self.setup_library, self.setup_instance = _setups(network.pairs)
        self.pay_row, self.pay = _paying_ranks(network)
        self.rows = _Rows()
        self._build()

    def _build(self) -> None:
        network, pairs, rows = self.network, self.network.pairs, self.rows
        use = np.arange(len(self.pair))
        setup = len(use) + np.arange(len(self.setup_library))
        pay = len(use) + len(setup) + np.arange(len(self.pay))
        self.size = len(use) + len(setup) + len(pay)
        instance = pairs["instance"][self.pair]
        library_memory = network.library_memory[self.setup_library]
        rows.add(
            network.memory,
            (instance, use, pairs["memory"][self.pair]),
            (self.setup_instance, setup, library_memory),
        )
        gpu = np.flatnonzero(pairs["gpu"][self.pair])
        self.first_gpu = rows.add(
            network.gpu_memory,
            (network.gpu[instance[gpu]], gpu, pairs["gpu"][self.pair[gpu]]),
        )
        uniform = network.uniform[pairs["function"][self.pair]]
        is_rank = np.repeat(~network.uniform, np.diff(network.row_start))
        self.first_price = rows.add(
            is_rank,
            (self.row, use, np.where(uniform, -1, 1)),
            (self.pay_row, pay, np.ones(1)),
        )
        self._one_mode(use, setup)

    def _one_mode(self, use: Int64, setup: Int64) -> None:
        """One use per function and instance, none without its library."""
        pairs = self.network.pairs
        key = pairs["instance"] * len(self.network.uniform) + pairs["function"]
        _, group = np.unique(key, return_inverse=True)
        group = group[self.pair]
        needs = self.setup[self.pair]
        several = np.bincount(group)[group] > 1
        kept, row = np.unique(group[several | (needs >= 0)], return_inverse=True)
        member = np.flatnonzero(np.isin(group, kept))
        setup_of = np.full(len(kept), -1)
        setup_of[row] = needs[member]
        has = np.flatnonzero(setup_of >= 0)
        self.rows.add(
            setup_of < 0,
            (row, use[member], np.ones(1)),
            (has, setup[setup_of[has]], np.full(1, -1.0)),
        )

    def lp(self, highspy: Any) -> Any:
        """Return the model in HiGHS's own form, to be minimised."""
        rows = self.rows
        row, column = np.concatenate(rows.row), np.concatenate(rows.column)
        order = np.argsort(row, kind="stable")
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = self.size, rows.count
        free = np.zeros(self.size - len(self.worth) - len(self.pay))
        lp.col_cost_ = -np.concatenate([self.worth, free, self.pay])
        lp.col_lower_, lp.col_upper_ = np.zeros(self.size), np.ones(self.size)
        lp.row_lower_ = np.full(rows.count, -highspy.kHighsInf)
        lp.row_upper_ = np.concatenate(rows.upper)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.searchsorted(row[order], np.arange(rows.count + 1))
        lp.a_matrix_.index_ = column[order]
        lp.a_matrix_.value_ = np.concatenate(rows.entry)[order]
        return lp

    def prices(self, dual: Float64) -> Prices:
        """Return the prices in the duals of the rows, one per row, non-negative."""
        low, high = price_range(self.network)
        row = dual[self.first_price : self.first_price + self.network.n_rows]
        is_rank = np.repeat(~self.network.uniform, np.diff(self.network.row_start))
        gpu = dual[self.first_gpu : self.first_gpu + len(self.network.gpu_memory)]
        return Prices(
            row=np.clip(np.where(is_rank, -row, row), low, high), gpu=np.maximum(gpu, 0.0)
        )


def _uses(network: Network) -> tuple[Int64, Int64, Float64]:
    """Return (pair, price row, worth) of each use."""
    pairs = network.pairs
    n_rows = np.diff(network.row_start)[pairs["function"]]
    pair = np.repeat(np.arange(len(pairs)), n_rows)
    rank = np.arange(len(pair)) - np.repeat(np.cumsum(n_rows) - n_rows, n_rows)
    function = pairs["function"][pair]
    earned = np.where(
        network.uniform[function], 0.0, network.copies[function, rank] * pairs["value"][pair]
    )
    return pair, network.row_start[function] + rank, earned - pairs["cost"][pair]


def _setups(pairs: Records) -> tuple[Int64, Int64, Int64]:
    """Return the setup of each pair (-1: none), and the library and instance of each setup."""
    needs = np.flatnonzero(pairs["library"] >= 0)
    key = np.stack([pairs["library"][needs], pairs["instance"][needs]])
    unique, index = np.unique(key, axis=1, return_inverse=True)
    setup = np.full(len(pairs), -1, dtype=np.int64)
    setup[needs] = index.ravel()
    return setup, unique[0], unique[1]


def _paying_ranks(network: Network) -> tuple[Int64, Float64]:
    """Return (price row, worth) of each rank of the uniform functions."""
    uniform = np.flatnonzero(network.uniform)
    n_ranks = network.copies.shape[1]
    worth = network.copies[uniform] * network.value[uniform, None]
    return np.repeat(network.row_start[uniform], n_ranks), worth.ravel()
