"""Start costs of models, read from a file: the shipped one or one measured by a live server."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from executor.domain import Profile
from executor.units import MIB
from executor.validation import read_yaml, validate

DEFAULT_FILE = Path(__file__).with_name("default_profile.yaml")


class ModelCosts(BaseModel):
    """What one model costs; ``limit_mib`` is the memory that its functions are deployed with."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    library: str
    import_s: NonNegativeFloat
    load_s: NonNegativeFloat
    memory_mib: PositiveInt
    limit_mib: PositiveInt
    run_s: PositiveFloat

    @property
    def profile(self) -> Profile:
        """The costs as the controller knows them."""
        return Profile(self.import_s, self.load_s, self.memory_mib * MIB)


class ProfileFile(BaseModel):
    """The start of a container and the models."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    start_s: PositiveFloat
    models: Annotated[dict[str, ModelCosts], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Reap:
    """Starts from snapshots in place of container start, import and load.

    Source: Ustiugov et al., "Benchmarking, Analysis, and Optimization of Serverless Function
    Snapshots" (vHive/REAP), ASPLOS 2021: a snapshot's memory is a file; REAP records the pages that
    a call touches and reads them in one go, and what it missed is faulted in page by page. Reading
    the record runs at 533 MB/s and single faults at 43 MB/s (section 6); 97 % of the pages are the
    same from call to call (section 4.4). The monitor itself comes up in some 50 ms. A call of a
    model touches all of its memory, so that the record is the footprint.
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


def read_profile(file: Path) -> ProfileFile:
    """Read a profile file.

    Raises
    ------
    ConfigError
        Naming file, key, value and what was expected.
    """
    return validate(ProfileFile, read_yaml(file), file)


def profiles(costs: ProfileFile, models: Mapping[str, str]) -> dict[str, Profile]:
    """Return the profile of each function, given the model of each."""
    return {function: costs.models[model].profile for function, model in models.items()}
