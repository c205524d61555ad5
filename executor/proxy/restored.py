"""A function's process that is restored from a snapshot, or of which one is taken once it is ready.

It has the user of its function, not one of its own, for that is in the snapshot.
"""

import time
from collections.abc import Iterable
from dataclasses import replace
from signal import Signals
from typing import Protocol

from . import keeper
from .cells import Cell
from .dialects import Message, Ready
from .launch import Order
from .process import FunctionProcess, Listener, Nursery, close_all
from .signals import send_below
from .snapshots import Snapshots, Unfit
from .spec import Spec
from .stream import Reader


class SnapshotListener(Listener, Protocol):
    """Who is told, too, of functions that could not be restored, or not be kept."""

    def unfit(self, function: str, error: str) -> None:
        """Take that there is no snapshot of a function; it goes on without."""


class RestoredProcess(FunctionProcess):
    """A function's process, with its snapshot.

    Parameters
    ----------
    snapshots
        Where that is, or shall be.
    """

    def __init__(
        self, spec: Spec, nursery: Nursery, listener: SnapshotListener, snapshots: Snapshots
    ) -> None:
        self._snapshots = snapshots
        self._told = listener
        self._begun_s = time.monotonic()
        self._taking: Ready | None = None
        super().__init__(spec, nursery, listener, None)

    def kill(self) -> None:
        """Kill it, and give up a snapshot that is being taken."""
        self._taking = None
        super().kill()

    def _signal(self, number: Signals) -> None:
        if not self._dead and self.pid is not None:
            send_below(self.pid, number)

    def _order(self) -> Order:
        order = super()._order()
        return replace(order, cell=replace(order.cell, uid=self._spec.snapshot_uid))

    def _environment(self, cell: Cell) -> dict[str, str]:
        environment = super()._environment(cell)
        return {key: value for key, value in environment.items() if key != keeper.MARK}

    def _launch(self, order: Order, theirs: dict[int, int]) -> None:
        self._ordered, self._links = order, tuple(theirs)
        try:
            restorer = self._snapshots.restorer(self._spec.snapshot)
            pid, words = keeper.start(order, theirs, restorer)
        finally:
            close_all(theirs.values())
        self._words = Reader(words, self._keeper_said)
        self.started(pid)

    def _keeper_said(self, data: bytes) -> None:
        word, _, error = data.decode(errors="replace").partition(" ")
        if word == "restored":
            super()._say([Ready(0.0, time.monotonic() - self._begun_s)])
        else:
            self._give_up(error)

    def _say(self, messages: Iterable[Message]) -> None:
        for message in messages:
            if isinstance(message, Ready) and self._snapshots.lacks(self._spec.snapshot):
                self._take(message)
            else:
                super()._say([message])

    def _take(self, ready: Ready) -> None:
        """Have a snapshot taken before the function is said to be ready."""
        assert self.pid is not None
        try:
            process = self._snapshots.begin(
                self._spec.snapshot, self.pid, self._ordered, self._links
            )
        except (Unfit, OSError) as error:
            self._give_up(str(error))
            super()._say([ready])
        else:
            self._taking = ready
            self._nursery.reaper.watch(process, self._taken)

    def _taken(self, code: int) -> None:
        ready, self._taking = self._taking, None
        try:
            self._snapshots.finish(self._spec.snapshot, code)
        except Unfit as error:
            if ready is not None:
                self._give_up(str(error))
        if ready is not None and not self._dead:
            super()._say([ready])

    def _give_up(self, error: str) -> None:
        self._snapshots.give_up(self._spec.snapshot, error)
        self._told.unfit(self._spec.name, error)

    def _confirmed(self, code: int) -> None:
        self._words.close()
        super()._confirmed(code)
