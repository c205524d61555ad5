"""Start costs of models, read from a file: a shipped one or one written by ``headstart profile``.

A model whose ``library`` is among the file's ``libraries`` is forked from a process that has
imported it, once an instance; any other imports what it needs in a process of its own.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)

from executor.domain import GpuProfile, Profile
from executor.runtimes.sim_costs import SimCosts
from executor.runtimes.sim_libraries import SimLibrary
from executor.units import MIB
from executor.validation import read_yaml, validate

PRIVATE_FILE: Final = Path(__file__).with_name("private_starts.yaml")
SHARED_FILE: Final = Path(__file__).with_name("shared_starts.yaml")


class LibraryCosts(BaseModel):
    """What one library costs each instance: its import, and what all functions share of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    import_s: NonNegativeFloat
    memory_mib: PositiveInt


class GpuCosts(BaseModel):
    """What one model takes of a GPU, and how long it takes there once it is loaded in memory."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    memory_mib: PositiveInt
    move_s: NonNegativeFloat


class ModelCosts(BaseModel):
    """What one model costs; ``limit_mib`` is the memory that its functions are deployed with.

    ``import_s`` and ``load_s`` together are the time from the order to load until ready; for a
    shared library they begin with the fork. ``run_s`` is a call's inference, wherever it runs,
    ``first_call_s`` what the first one after a load takes more. With ``gpu`` it can use one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    library: str
    import_s: NonNegativeFloat
    load_s: NonNegativeFloat
    memory_mib: PositiveInt
    limit_mib: PositiveInt
    run_s: PositiveFloat
    first_call_s: NonNegativeFloat = 0.0
    gpu: GpuCosts | None = None


class ProfileFile(BaseModel):
    """The start of a container, what it holds with nothing loaded, libraries and models.

    ``offload_s`` is how long it takes until a function is confirmed gone, ``call_s`` how long until
    one that is loaded has its request, and ``crowding`` how many times longer all of it takes while
    no core is idle, sharing the cores apart.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    start_s: PositiveFloat
    base_mib: NonNegativeInt = 0
    offload_s: NonNegativeFloat = 0.02
    call_s: NonNegativeFloat = 0.0
    crowding: Annotated[float, Field(ge=1.0)] = 1.0
    libraries: dict[str, LibraryCosts] = Field(default_factory=dict)
    models: Annotated[dict[str, ModelCosts], Field(min_length=1)]

    def profile(self, model: str) -> Profile:
        """Return the costs of a model as the controller knows them."""
        one = self.models[model]
        library = self.libraries.get(one.library)
        library_bytes = library.memory_mib * MIB if library is not None else 0
        memory_bytes = one.memory_mib * MIB
        gpu = None
        if one.gpu is not None:
            gpu = GpuProfile(memory_bytes, one.gpu.memory_mib * MIB, one.gpu.move_s)
        return Profile(one.import_s, one.load_s, memory_bytes, library_bytes, gpu)

    def simulated(
        self,
        models: Mapping[str, str],
        run_s: Callable[[str, str], float],
        cores: float = math.inf,
    ) -> SimCosts:
        """Return the costs of functions for the simulated runtime.

        Parameters
        ----------
        models
            The model of each function.
        run_s
            Inference time of a call, by its id and function.
        cores
            Processors that all instances share.
        """
        costs = {function: self.models[model] for function, model in models.items()}
        return SimCosts(
            {function: self.profile(model) for function, model in models.items()},
            run_s,
            self.start_s,
            self.offload_s,
            base_bytes=self.base_mib * MIB,
            libraries={
                function: SimLibrary(
                    one.library,
                    self.libraries[one.library].import_s,
                    self.libraries[one.library].memory_mib * MIB,
                )
                for function, one in costs.items()
                if one.library in self.libraries
            },
            first_call_s={function: one.first_call_s for function, one in costs.items()},
            call_s=self.call_s,
            cores=cores,
            crowding=self.crowding,
        )


@dataclass(frozen=True, slots=True)
class Reap:
    """Starts from snapshots in place of container start, import and load.

    Source: Ustiugov et al., "Benchmarking, Analysis, and Optimization of Serverless Function
    Snapshots" (vHive/REAP), ASPLOS 2021: a snapshot's memory is a file; REAP records the pages that
    a call touches and reads them in one go, and what it missed is faulted in page by page. Reading
    the record runs at 533 MB/s and single faults at 43 MB/s; 97 % of the pages are the same from
    call to call. The monitor itself comes up in some 50 ms. A call of a model touches all of its
    memory, so that the record is the footprint.
    """

    restore_s: float = 0.05
    read_bytes_per_s: float = 533e6
    fault_bytes_per_s: float = 43e6
    missed_ratio: float = 0.03

    def applied(self, costs: ProfileFile) -> ProfileFile:
        """Return the costs with every start from a snapshot."""
        models = {
            name: model.model_copy(update={"import_s": 0.0, "load_s": self._ready_s(model)})
            for name, model in costs.models.items()
        }
        return ProfileFile(start_s=self.restore_s, models=models)

    def _ready_s(self, model: ModelCosts) -> float:
        size_bytes = model.memory_mib * MIB
        missed_bytes = self.missed_ratio * size_bytes
        read_s = (size_bytes - missed_bytes) / self.read_bytes_per_s
        return read_s + missed_bytes / self.fault_bytes_per_s


STARTS: Final[dict[str, Callable[[], ProfileFile]]] = {
    "private": lambda: read_profile(PRIVATE_FILE),
    "shared": lambda: read_profile(SHARED_FILE),
    "reap": lambda: Reap().applied(read_profile(PRIVATE_FILE)),
}
"""How functions start: as published; as here; from snapshots in place of the published way."""


def write_profile(file: Path, costs: ProfileFile) -> None:
    """Write a profile file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(costs.model_dump(exclude_none=True), sort_keys=False))


def read_profile(file: Path) -> ProfileFile:
    """Read a profile file.

    Raises
    ------
    ConfigError
        Naming file, key, value and what was expected.
    """
    return validate(ProfileFile, read_yaml(file), file)
