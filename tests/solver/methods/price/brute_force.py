"""The optimum of a small problem, by trying every plan."""

from collections import defaultdict

import numpy as np

from solver import Problem


def optimum(problem: Problem) -> float:
    """Return the worth of the best plan."""
    return _Search(problem).best_from(0, [])


class _Search:
    """Decides the allowed pairs one after the other, both ways."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.pairs = problem.pairs
        pinned = self.pairs.find(problem.pinned)
        self.must = np.isin(np.arange(len(self.pairs)), pinned)

    def best_from(self, pair: int, chosen: list[int]) -> float:
        if not self._fits(chosen):
            return -np.inf
        if pair == len(self.pairs):
            return self._worth(chosen)
        best = self.best_from(pair + 1, [*chosen, pair])
        if not self.must[pair]:
            best = max(best, self.best_from(pair + 1, chosen))
        return best

    def _fits(self, chosen: list[int]) -> bool:
        problem = self.problem
        memory: dict[int, int] = defaultdict(int)
        gpu_memory: dict[int, int] = defaultdict(int)
        present, libraries = set(), set()
        for pair in chosen:
            mode, instance = self.pairs.mode[pair], self.pairs.instance[pair]
            place = (problem.mode_function[mode], instance)
            if place in present:
                return False
            present.add(place)
            library = problem.mode_library[mode]
            if library >= 0 and (library, instance) not in libraries:
                libraries.add((library, instance))
                memory[instance] += problem.library_memory_bytes[library]
            memory[instance] += problem.mode_memory_bytes[mode]
            gpu_memory[problem.instance_gpu[instance]] += problem.mode_gpu_memory_bytes[mode]
        return all(
            used <= problem.instance_free_memory_bytes[instance]
            for instance, used in memory.items()
        ) and all(
            used <= problem.gpu_free_memory_bytes[gpu]
            for gpu, used in gpu_memory.items()
            if gpu >= 0
        )

    def _worth(self, chosen: list[int]) -> float:
        values = defaultdict(list)
        for pair in chosen:
            values[self.pairs.function[pair]].append(self.pairs.value_s[pair])
        earned = sum(
            float(chance * value)
            for function, known in values.items()
            for chance, value in zip(
                self.problem.copies[function], sorted(known, reverse=True), strict=False
            )
        )
        return earned - float(self.pairs.cost_s[chosen].sum())
