"""Apache OpenWhisk's container pool.

Source: the reference configuration of OpenWhisk's invoker (``core/invoker``,
``application.conf``: ``container-proxy.timeouts.idle-container = 10 minutes``), the stem cells of
its runtimes manifest (``ansible/files/runtimes.json``: two containers of 256 MB for ``nodejs``) and
its ``ContainerPool``: a stem cell serves a function of the same kind and the same memory and is
replaced while there is room (``takePrewarmContainer``); for more memory the free container that was
used longest ago is removed, never a stem cell (``remove``).
"""

from collections.abc import Sequence

from predictors.keepalive.fixed import FixedKeepAlive
from predictors.keepalive.protocol import StemCell

IDLE_CONTAINER_S = 600.0


class OpenWhisk(FixedKeepAlive):
    """Fixed ten minutes after the last call, stem cells, eviction of the least recently used."""

    def __init__(
        self, stem_cells: Sequence[StemCell] = (), keep_alive_s: float = IDLE_CONTAINER_S
    ) -> None:
        super().__init__(keep_alive_s)
        self._stem_cells = tuple(stem_cells)

    def stem_cells(self) -> tuple[StemCell, ...]:
        """Return the unbound containers of the runtimes manifest."""
        return self._stem_cells
