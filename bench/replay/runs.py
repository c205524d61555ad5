"""The grid of runs: each run one file, so that a replay cut off goes on where it stopped."""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np

from bench.replay.measures import Row, measure
from bench.replay.profiles import ProfileFile, read_profile, write_profile
from bench.replay.simulate import NO_GPUS, Case, Gpus, Replay
from bench.replay.workload import Draw, Workload, draw_workload
from bench.traces.minutes import MinuteTrace
from executor.errors import ConfigError
from executor.units import GIB

_HEADER: Final = ("metric", "group", "value")


@dataclass(frozen=True, slots=True, order=True)
class RunKey:
    """Names a run within a grid."""

    seed: int
    memory_gib: int
    policy: str
    preload: str
    starts: str

    @property
    def file_name(self) -> str:
        """Name of the file with what was measured."""
        parts = (self.policy, self.preload, self.starts)
        return f"{'-'.join(parts)}-{self.memory_gib}gib-seed{self.seed}.csv"

    @classmethod
    def of_file(cls, name: str) -> "RunKey":
        """Read the name of such a file."""
        policy, preload, *starts, memory, seed = name.removesuffix(".csv").split("-")
        memory_gib = int(memory.removesuffix("gib"))
        number = int(seed.removeprefix("seed"))
        return cls(number, memory_gib, policy, preload, "-".join(starts))


@dataclass(frozen=True, slots=True)
class Grid:
    """What is replayed: every combination of these, on workloads drawn alike.

    Parameters
    ----------
    trace
        What workloads are drawn from.
    policies, preloads, starts, memory_gib, seeds
        The combinations; ``starts`` are named costs of models.
    draw
        How the workload of each seed is drawn.
    warm_keeps_model
        Whether a function stays loaded after its call.
    gpus
        Those of the worker.
    """

    trace: MinuteTrace
    policies: tuple[str, ...]
    preloads: tuple[str, ...]
    starts: Mapping[str, ProfileFile]
    memory_gib: tuple[int, ...]
    seeds: tuple[int, ...]
    draw: Draw
    warm_keeps_model: bool
    gpus: Gpus = NO_GPUS

    @property
    def settings(self) -> str:
        """What all runs of a folder have in common, their start costs apart."""
        switches = f"warm_keeps_model={self.warm_keeps_model} gpus={self.gpus}"
        return f"trace={self.trace.digest} {self.draw} {switches}"

    def runs(self) -> list[RunKey]:
        """All runs, those of one workload after the other."""
        combinations = product(
            self.seeds, self.starts, self.memory_gib, self.policies, self.preloads
        )
        return [
            RunKey(seed, memory_gib, policy, preload, starts)
            for seed, starts, memory_gib, policy, preload in combinations
        ]


def pending(grid: Grid, folder: Path) -> list[RunKey]:
    """Return the runs of a grid that have no file yet.

    Raises
    ------
    ConfigError
        When the folder holds runs of other settings, or of other costs of the same name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "settings.txt"
    if not file.exists():
        file.write_text(f"{grid.settings}\n")
    elif file.read_text().strip() != grid.settings:
        raise ConfigError(file, "settings", grid.settings, file.read_text().strip())
    for name, costs in grid.starts.items():
        _keep_costs(folder / f"starts-{name}.yaml", costs)
    return [key for key in grid.runs() if not (folder / key.file_name).exists()]


def _keep_costs(file: Path, costs: ProfileFile) -> None:
    """Write start costs beside the runs that were made with them, and keep to them."""
    if not file.exists():
        write_profile(file, costs)
    elif read_profile(file) != costs:
        expected = f"the costs in {file}, or a profile file of another name"
        raise ConfigError(file, "starts", "those of other runs", expected)


def carry_out(
    grid: Grid,
    keys: list[RunKey],
    folder: Path,
    progress: Callable[[RunKey, int, int], None],
) -> Iterator[RunKey]:
    """Replay runs and write each one's file; gives each run when it is done.

    ``progress`` is called with a run, how many of its calls have arrived, and how many it has.
    """
    drawn: dict[tuple[int, str], Workload] = {}
    for key in keys:
        costs, which = grid.starts[key.starts], (key.seed, key.starts)
        if which not in drawn:
            rng = np.random.default_rng(key.seed)
            drawn = {which: draw_workload(grid.trace, costs, grid.draw, rng)}
        workload = drawn[which]
        memory_bytes = key.memory_gib * GIB
        case = Case(
            key.policy, key.preload, memory_bytes, key.seed, grid.warm_keeps_model, grid.gpus
        )
        n_calls = len(workload.run_s)

        def report(done: int, key: RunKey = key, n_calls: int = n_calls) -> None:
            progress(key, done, n_calls)

        report(0)
        recorder = Replay(workload, costs, case, report).run()
        report(n_calls)
        write_rows(folder / key.file_name, measure(workload, recorder))
        yield key


def write_rows(file: Path, rows: list[Row]) -> None:
    """Write what was measured, whole or not at all."""
    unfinished = file.with_suffix(".part")
    with unfinished.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_HEADER)
        writer.writerows((row.metric, row.group, repr(row.value)) for row in rows)
    unfinished.replace(file)


def read_rows(file: Path) -> list[Row]:
    """Read what was measured in a run."""
    with file.open(newline="") as stream:
        return [
            Row(row["metric"], row["group"], float(row["value"])) for row in csv.DictReader(stream)
        ]
