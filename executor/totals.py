"""Counts what has happened since the server started."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from executor import events as ev


@dataclass
class Totals:
    """Running totals; ``gap_ratio`` is that of the latest plan, None when it has no bound."""

    loads: int = 0
    load_failures: int = 0
    offloads: int = 0
    plans: int = 0
    solve_s: float = 0.0
    gap_ratio: float | None = None

    def count(self, events: Iterable[ev.Event]) -> None:
        """Fold events in."""
        for event in events:
            self._count(event)

    def _count(self, event: ev.Event) -> None:
        match event:
            case ev.Loaded():
                self.loads += 1
            case ev.LoadFailed():
                self.load_failures += 1
            case ev.Offloaded():
                self.offloads += 1
            case ev.PlanReady():
                self.plans += 1
                self.solve_s += event.solve_s
                self.gap_ratio = event.plan.gap if math.isfinite(event.plan.gap) else None
