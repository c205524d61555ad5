"""The rules that a problem must keep."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from solver.errors import InvalidProblem
from solver.pairs import Rows, fits_alone, pair_key

if TYPE_CHECKING:
    from solver.problem import Problem

MOST_BYTES: Final = 2**48
"""Largest memory accepted, 256 TiB: sums of bytes stay exact in float64."""
MOST_S: Final = 1e9
"""Largest number of seconds accepted, 31 years: sums of values stay far from overflow."""

_AXES: Final = {
    "function": ("function_owner", "function_library", "copies"),
    "mode": (
        "mode_function",
        "mode_tier",
        "mode_memory_bytes",
        "mode_gpu_memory_bytes",
        "mode_saving_s",
        "mode_load_cost_s",
    ),
    "library": ("library_memory_bytes",),
    "instance": (
        "instance_owner",
        "instance_free_memory_bytes",
        "instance_gpu",
        "instance_survival",
    ),
    "gpu": ("gpu_free_memory_bytes",),
    "load cost": ("load_cost_pairs", "load_cost_s"),
}


def validate(problem: "Problem") -> None:
    """Check every rule once.

    Raises
    ------
    InvalidProblem
        Naming the first entry that breaks a rule.
    """
    _check_names(problem)
    _check_lengths(problem)
    _check_references(problem)
    _check_modes(problem)
    _check_ranges(problem)
    _check_copies(problem)
    _check_pairs(problem)


def check_together(problem: "Problem", name: str, rows: Rows) -> None:
    """Check that rows (mode, instance) can be in place at the same time.

    Raises
    ------
    InvalidProblem
        When an instance holds a function twice, or its memory or that of a GPU is over-full.
    """
    mode, instance = rows[:, 0], rows[:, 1]
    place = problem.mode_function[mode].astype(np.int64) * problem.n_instances + instance
    _check_once(place, lambda n: f"{name} {pair_label(problem, rows[n])}", "one mode an instance")
    taken = memory_bytes(problem, rows)
    _require(
        taken <= problem.instance_free_memory_bytes,
        lambda i: f"{name} bytes in instance {problem.instance_names[i]!r}",
        taken,
        "no more than its free_memory_bytes",
    )
    taken = gpu_memory_bytes(problem, rows)
    _require(
        taken <= problem.gpu_free_memory_bytes,
        lambda k: f"{name} bytes on GPU {problem.gpu_names[k]!r}",
        taken,
        "no more than its free_memory_bytes",
    )


def memory_bytes(problem: "Problem", rows: Rows) -> NDArray[np.float64]:
    """Return the memory that rows (mode, instance) take in each instance, float64[I], exact."""
    mode, instance = rows[:, 0], rows[:, 1]
    used = _sum_by(instance, problem.mode_memory_bytes[mode], problem.n_instances)
    library = problem.mode_library[mode]
    needs = library >= 0
    key = library[needs].astype(np.int64) * problem.n_instances + instance[needs]
    which, where = np.divmod(np.unique(key), max(1, problem.n_instances))
    return used + _sum_by(where, problem.library_memory_bytes[which], problem.n_instances)


def gpu_memory_bytes(problem: "Problem", rows: Rows) -> NDArray[np.float64]:
    """Return the memory that rows (mode, instance) take on each GPU, float64[K], exact."""
    on_gpu = rows[problem.mode_tier[rows[:, 0]] == 1]
    gpu = problem.instance_gpu[on_gpu[:, 1]]
    return _sum_by(gpu, problem.mode_gpu_memory_bytes[on_gpu[:, 0]], problem.n_gpus)


def _sum_by(group: NDArray[Any], amounts: NDArray[np.int64], groups: int) -> NDArray[np.float64]:
    return np.bincount(group, amounts.astype(np.float64), groups).astype(np.float64, copy=False)


def pair_label(problem: "Problem", row: NDArray[np.int32]) -> str:
    """Name a pair (mode, instance) for people."""
    return f"{mode_label(problem, int(row[0]))} in instance {problem.instance_names[row[1]]!r}"


def mode_label(problem: "Problem", mode: int) -> str:
    """Name a mode for people."""
    name = problem.function_names[problem.mode_function[mode]]
    return f"function {name!r} {('host', 'gpu')[problem.mode_tier[mode]]}"


def _require(
    ok: NDArray[np.bool_], label: Callable[[int], str], values: NDArray[Any], expected: str
) -> None:
    if not ok.all():
        index = int(np.argmin(ok))
        raise InvalidProblem(label(index), values[index].tolist(), expected)


def _check_once(keys: NDArray[Any], label: Callable[[int], str], expected: str) -> None:
    if len(set(keys.tolist())) < len(keys):
        order = np.argsort(keys, kind="stable")
        again = np.flatnonzero(np.diff(keys[order]) == 0)
        raise InvalidProblem(label(int(order[again[0] + 1])), "given again", expected)


def _check_names(problem: "Problem") -> None:
    for kind in ("owner", "function", "library", "instance", "gpu"):
        names = getattr(problem, f"{kind}_names")
        if len(set(names)) < len(names):
            again = next(name for at, name in enumerate(names) if name in names[:at])
            raise InvalidProblem(f"{kind} name", again, "each name once")


def _check_lengths(problem: "Problem") -> None:
    sizes = {
        "function": problem.n_functions,
        "mode": problem.n_modes,
        "library": len(problem.library_names),
        "instance": problem.n_instances,
        "gpu": problem.n_gpus,
        "load cost": len(problem.load_cost_pairs),
    }
    for kind, names in _AXES.items():
        for name in names:
            length = len(getattr(problem, name))
            if length != sizes[kind]:
                raise InvalidProblem(f"length of {name}", length, f"one per {kind}: {sizes[kind]}")


def _check_references(problem: "Problem") -> None:
    """Check that every index points at something."""
    _check_index(problem, "function", "function_owner", 0, problem.n_owners)
    _check_index(problem, "function", "function_library", -1, len(problem.library_names))
    _check_index(problem, "instance", "instance_owner", 0, problem.n_owners)
    _check_index(problem, "instance", "instance_gpu", -1, problem.n_gpus)
    _check_rows(problem.mode_function, "mode_function", 0, problem.n_functions)
    for name in ("held", "pinned", "forbidden", "load_cost_pairs"):
        rows = getattr(problem, name)
        _check_rows(rows[:, 0], f"mode of {name}", 0, problem.n_modes)
        _check_rows(rows[:, 1], f"instance of {name}", 0, problem.n_instances)


def _check_index(problem: "Problem", kind: str, name: str, least: int, end: int) -> None:
    names = getattr(problem, f"{kind}_names")
    values = getattr(problem, name)
    ok = (values >= least) & (values < end)
    _require(ok, lambda n: f"{name} of {names[n]!r}", values, f"{least} <= index < {end}")


def _check_rows(values: NDArray[np.int32], name: str, least: int, end: int) -> None:
    ok = (values >= least) & (values < end)
    _require(ok, lambda n: f"{name} entry {n}", values, f"{least} <= index < {end}")


def _check_modes(problem: "Problem") -> None:
    step = np.diff(problem.mode_function, prepend=0)
    _require(step >= 0, lambda m: f"mode_function entry {m}", problem.mode_function, "ascending")
    count = np.bincount(problem.mode_function, minlength=problem.n_functions)
    _require(
        count > 0,
        lambda f: f"modes of function {problem.function_names[f]!r}",
        count,
        "at least one",
    )
    tier = problem.mode_tier
    _check_rows(tier.astype(np.int32), "mode_tier", 0, 2)
    _require(
        (tier == 1) | (problem.mode_gpu_memory_bytes == 0),
        lambda m: f"{mode_label(problem, m)} gpu_memory_bytes",
        problem.mode_gpu_memory_bytes,
        "0 in the host tier",
    )


def _check_ranges(problem: "Problem") -> None:
    """Check bytes, seconds and chances; a NaN fails every comparison."""
    for kind, names in _AXES.items():
        for name in names:
            short = name.removeprefix(f"{kind}_")
            if name.endswith("_bytes"):
                _check_range(problem, kind, name, short, MOST_BYTES)
            elif name.endswith("_s"):
                _check_range(problem, kind, name, short, MOST_S)
    _check_range(problem, "instance", "instance_survival", "survival", 1)


def _check_range(problem: "Problem", kind: str, name: str, short: str, most: float) -> None:
    values = getattr(problem, name)
    ok = (values >= 0) & (values <= most)
    _require(ok, lambda n: f"{_label(problem, kind, n)} {short}", values, f"0 to {most:g}")


def _label(problem: "Problem", kind: str, index: int) -> str:
    if kind == "mode":
        return mode_label(problem, index)
    if kind == "load cost":
        return pair_label(problem, problem.load_cost_pairs[index])
    return f"{kind} {getattr(problem, f'{kind}_names')[index]!r}"


def _check_copies(problem: "Problem") -> None:
    copies = problem.copies

    def label(function: int) -> str:
        return f"function {problem.function_names[function]!r} copies"

    _require(np.all((copies >= 0) & (copies <= 1), axis=1), label, copies, "0 to 1")
    falling = np.all(np.diff(copies, axis=1) <= 0, axis=1)
    _require(falling, label, copies, "P(N >= j), which never rises with j")


def _check_pairs(problem: "Problem") -> None:
    """Check what is held, pinned, forbidden and priced apart."""
    for name in ("held", "pinned", "forbidden", "load_cost_pairs"):
        rows = getattr(problem, name)
        if not len(rows):
            continue
        key = pair_key(problem, rows[:, 0], rows[:, 1])
        _check_once(key, _row_label(problem, name, rows), "each pair once")
        owner = problem.function_owner[problem.mode_function[rows[:, 0]]]
        same = owner == problem.instance_owner[rows[:, 1]]
        _require(same, _row_label(problem, name, rows), rows, "function and instance of one owner")
    banned = pair_key(problem, problem.forbidden[:, 0], problem.forbidden[:, 1])
    for name in ("held", "pinned"):
        rows = getattr(problem, name)
        if not len(rows):
            continue
        free = ~np.isin(pair_key(problem, rows[:, 0], rows[:, 1]), banned)
        _require(free, _row_label(problem, name, rows), rows, "a pair that is not forbidden")
        fits = fits_alone(problem, rows[:, 0], rows[:, 1])
        _require(fits, _row_label(problem, name, rows), rows, "a pair that fits by itself")
        check_together(problem, name, rows)


def _row_label(problem: "Problem", name: str, rows: Rows) -> Callable[[int], str]:
    return lambda n: f"{name} {pair_label(problem, rows[n])}"
