"""A simulated instance: what is in it, and what it lets happen when."""

from dataclasses import dataclass, field

from executor.actions import Run
from executor.domain import GPU, HOST, Tier
from executor.runtimes.sim_libraries import SimLibraries


@dataclass
class SimResident:
    """A function: the tier where it is or is being loaded to, and the one where it shall be.

    ``loads`` is how many such requests it still has to answer; ``fresh`` that it served no call;
    ``move_s`` how long its last way to the GPU took.
    """

    tier: Tier
    target: Tier
    loads: int = 0
    ready: bool = False
    moving: bool = False
    fresh: bool = True
    move_s: float = 0.0


@dataclass
class SimInstance:
    """An instance with what is in it and the call that it serves.

    ``cleared``: the others are gone; ``waited``: the call found its function not loaded.
    """

    libraries: SimLibraries
    gpu: str | None = None
    residents: dict[str, SimResident] = field(default_factory=dict)
    run: Run | None = None
    cleared: bool = False
    waited: bool = False
    started: bool = False
    ready: bool = False

    def reachable(self, tier: Tier) -> Tier:
        """Return where a function can be: without a GPU, in memory only."""
        return HOST if self.gpu is None and tier is GPU else tier

    def waiting(self, name: str) -> Run | None:
        """Return the call that waits for a function."""
        run = self.run
        return run if run is not None and run.function == name and not self.started else None

    def may_load(self, name: str) -> bool:
        """Say whether a function may be loaded or moved now: during a call one that stays only."""
        run = self.run
        return run is None or (
            name in self.residents and (name == run.function or name in run.keep)
        )
