"""What things take in a simulated runtime."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from executor.domain import GPU, Profile, Tier
from executor.events import LoadReport
from executor.runtimes.sim_libraries import SimLibrary


@dataclass(frozen=True)
class SimCosts:
    """Seconds that things take; ``run_s`` gives those of a call by its id and function.

    ``reuse_s`` is a start in the container of an instance that just stopped: killing what is in it
    takes up to 50 ms, forking a fresh manager 5 ms (both measured). ``base_bytes`` is what an
    instance holds with nothing loaded. A function in ``libraries`` is forked from a process that
    has imported its library, the first of an instance once that is done; all others import what
    they need themselves. ``first_call_s`` is what the first call after a load takes more,
    ``call_s`` the way of any call to its function. All of it is work of one processor each: where
    more is under way than there are ``cores``, all of it takes longer, and where no core is idle
    ``crowding`` times that.
    """

    profiles: Mapping[str, Profile]
    run_s: Callable[[str, str], float]
    start_s: float = 0.55
    offload_s: float = 0.02
    reuse_s: float = 0.05
    base_bytes: int = 0
    libraries: Mapping[str, SimLibrary] = field(default_factory=dict)
    first_call_s: Mapping[str, float] = field(default_factory=dict)
    call_s: float = 0.0
    cores: float = math.inf
    crowding: float = 1.0

    def move_s(self, function: str, tier: Tier) -> float:
        """Return the seconds from loaded in memory to a tier; the way back copies nothing."""
        gpu = self.profiles[function].gpu
        return gpu.move_s if gpu is not None and tier is GPU else 0.0

    def report(self, function: str, move_s: float) -> LoadReport:
        """Return what a function says when it is ready."""
        profile = self.profiles[function]
        return LoadReport(
            profile.import_s, profile.load_s, profile.memory_bytes, profile.library_bytes, move_s
        )
