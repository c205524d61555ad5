"""The functions, with what they cost: guessed at first, measured where they have run."""

from collections.abc import Iterable
from dataclasses import replace

from executor.columns import Columns
from executor.domain import GPU, HOST, Function, Profile, Tier
from executor.events import LoadReport

LEARNING_RATE = 0.3
"""Weight of a new load time in its running mean; footprints keep the last measurement."""


class Catalogue:
    """All functions, by name and as columns, with what was measured of each."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self.functions = {function.name: function for function in functions}
        self.columns = Columns(list(self.functions.values()))
        self.index = self.columns.index
        self._measured: set[str] = set()

    def learn(self, function: str, report: LoadReport, tier: Tier = HOST) -> None:
        """Fold a measured load into the function's profile; a guess gives way at once.

        The memory of one that ended on a GPU says nothing of loads that end before.
        """
        known = self.functions[function].profile
        if tier is GPU:
            self.learn_move(function, report)
            known = self.functions[function].profile
            report = report._replace(memory_bytes=known.memory_bytes)
        if report[:-1] != (known.import_s, known.load_s, known.memory_bytes, known.library_bytes):
            fold = _blended if function in self._measured else _measured
            self._set(function, fold(known, report))
        if tier is not GPU:
            self._measured.add(function)

    def learn_move(self, function: str, report: LoadReport) -> None:
        """Fold a measured move to a GPU, and the memory that the function takes meanwhile."""
        known = self.functions[function].profile
        if known.gpu is not None:
            move_s = _blend(known.gpu.move_s, report.move_s)
            gpu = replace(known.gpu, memory_bytes=report.memory_bytes, move_s=move_s)
            self._set(function, replace(known, gpu=gpu))

    def needs(self, function: str, memory_bytes: int) -> None:
        """Raise the footprint of a function that has been measured to the most it has held."""
        known = self.functions[function].profile
        if function in self._measured and memory_bytes > known.memory_bytes:
            self._set(function, replace(known, memory_bytes=memory_bytes))

    def _set(self, function: str, profile: Profile) -> None:
        known = self.functions[function]
        if profile != known.profile:
            self.functions[function] = replace(known, profile=profile)
            self.columns.write(self.index[function], self.functions[function])


def _measured(known: Profile, report: LoadReport) -> Profile:
    return Profile(
        report.import_s, report.load_s, report.memory_bytes, report.library_bytes, known.gpu
    )


def _blended(known: Profile, report: LoadReport) -> Profile:
    return Profile(
        _blend(known.import_s, report.import_s),
        _blend(known.load_s, report.load_s),
        max(known.memory_bytes, report.memory_bytes),
        report.library_bytes,
        known.gpu,
    )


def _blend(known: float, seen: float) -> float:
    return known + LEARNING_RATE * (seen - known)
