"""The optimum of small problems by plain enumeration; shares no code with the solvers."""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from solver import Problem


class _Room(NamedTuple):
    """What is left: bytes of each instance, bytes of each GPU, libraries present."""

    instances: tuple[int, ...]
    gpus: tuple[int, ...]
    libraries: frozenset[tuple[int, int]]


def optimum(problem: Problem) -> float:
    """Return the largest worth of any plan: functions in turn, all their placements, all rooms."""
    best = {
        _Room(
            tuple(problem.instance_free_memory_bytes.tolist()),
            tuple(problem.gpu_free_memory_bytes.tolist()),
            frozenset(),
        ): 0.0
    }
    for function in range(problem.n_functions):
        grown: dict[_Room, float] = {}
        for placement in _placements(problem, function):
            worth = _worth(problem, function, placement)
            for room, total in best.items():
                left = _place(problem, room, placement)
                if left is not None and total + worth > grown.get(left, -1e300):
                    grown[left] = total + worth
        best = grown
    return max(best.values())


def _placements(problem: Problem, function: int) -> Iterator[list[tuple[int, int]]]:
    """Yield every allowed set of pairs (mode, instance) of a function that keeps its pins."""
    modes = [m for m in range(problem.n_modes) if problem.mode_function[m] == function]
    forbidden = {tuple(row) for row in problem.forbidden.tolist()}
    pinned = {tuple(row) for row in problem.pinned.tolist() if row[0] in modes}
    here = [
        i
        for i in range(problem.n_instances)
        if problem.instance_owner[i] == problem.function_owner[function]
    ]
    for choice in product([None, *modes], repeat=len(here)):
        pairs = [(m, i) for m, i in zip(choice, here, strict=True) if m is not None]
        if not forbidden & set(pairs) and pinned <= set(pairs):
            yield pairs


def _worth(problem: Problem, function: int, pairs: list[tuple[int, int]]) -> float:
    values = sorted(
        (float(problem.mode_saving_s[m] * problem.instance_survival[i]) for m, i in pairs),
        reverse=True,
    )
    chances: list[float] = problem.copies[function].tolist()
    earned = sum(chance * value for chance, value in zip(chances, values, strict=False))
    held = {tuple(row) for row in problem.held.tolist()}
    single: dict[tuple[int, ...], float] = {
        tuple(row): cost
        for row, cost in zip(
            problem.load_cost_pairs.tolist(), problem.load_cost_s.tolist(), strict=True
        )
    }
    costs = [
        single.get(pair, float(problem.mode_load_cost_s[pair[0]]))
        for pair in pairs
        if pair not in held
    ]
    return earned - sum(costs)


def _place(problem: Problem, room: _Room, pairs: list[tuple[int, int]]) -> _Room | None:
    instances, gpus, libraries = list(room.instances), list(room.gpus), set(room.libraries)
    for m, i in pairs:
        instances[i] -= int(problem.mode_memory_bytes[m])
        library = int(problem.function_library[problem.mode_function[m]])
        if library >= 0 and (library, i) not in libraries:
            libraries.add((library, i))
            instances[i] -= int(problem.library_memory_bytes[library])
        if problem.mode_tier[m] == 1:
            k = int(problem.instance_gpu[i])
            if k < 0:
                return None
            gpus[k] -= int(problem.mode_gpu_memory_bytes[m])
    if min(instances) < 0 or min(gpus, default=0) < 0:
        return None
    return _Room(tuple(instances), tuple(gpus), frozenset(libraries))
