"""Sharing the rows of many functions among threads."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

ROWS_WORTH_A_THREAD = 5000


def share(work: Callable[[int, int], None], rows: int) -> None:
    """Call ``work(first, last)`` on ranges that make up ``range(rows)``, at once where it pays.

    The work must let other threads run (compiled code does) and treat each row on its own, so
    that the number of threads changes nothing. Starting threads takes some 0.1 ms, which
    thousands of rows are worth.
    """
    if rows < 2 * ROWS_WORTH_A_THREAD:
        work(0, rows)
        return
    threads = min(os.cpu_count() or 1, rows // ROWS_WORTH_A_THREAD)
    bounds = [rows * thread // threads for thread in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))
