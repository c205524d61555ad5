"""Decides what happens in an instance: requests and deaths in, commands out; no I/O, no clock.

Whether a load or a run may start is decided here, at the moment it happens. At most one call is
in the instance. A residency is gone when its process is confirmed dead, and only then is anything
told or started that rests on its absence.
"""

from .commands import Command
from .holdings import Holdings
from .outcomes import Completed, Failed, LoadFailed, LoadReport, Measured, Offloaded, Started
from .requests import Call, LoadAhead
from .residency import Need, Removal, Residency, State, Tier


class Machine:
    """The residencies of an instance and the call in it.

    Parameters
    ----------
    limit_bytes
        What the instance may hold in all.
    base_bytes
        What it holds with nothing loaded.
    """

    def __init__(self, limit_bytes: int, base_bytes: int) -> None:
        self._holdings = Holdings(limit_bytes - base_bytes)
        self.residencies = self._holdings.residencies
        self.shelf = self._holdings.shelf
        self.call: Call | None = None
        self._loads: list[LoadAhead] = []
        self._stopping = False

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop and nothing is left."""
        return self._stopping and not self.residencies and not self.shelf.libraries

    def load(self, function: str, need: Need, tier: Tier = Tier.HOST) -> list[Command]:
        """Load a function ahead of calls, or move it; what a call is using moves afterwards."""
        self._loads.append(LoadAhead(function, need, tier))
        return self._advance()

    def offload(self, function: str) -> list[Command]:
        """Take a function away; one that a call is using goes when the call has ended."""
        held = self.residencies.get(function)
        if held is None:
            self._holdings.tell(Offloaded(function, None))
        else:
            held.offloads += 1
        return self._advance()

    def run(
        self,
        call: str,
        function: str,
        keep: frozenset[str],
        need: Need,
        tier: Tier = Tier.HOST,
    ) -> list[Command]:
        """Serve a call, alone with the functions in ``keep``."""
        if self._stopping or self.call is not None:
            reason = "the instance is stopping" if self._stopping else "another call is in it"
            self._holdings.tell(Failed(call, "crash", reason))
        else:
            self.call = Call(call, function, keep, need, tier)
            if function in self.residencies:
                self.residencies[function].wanted = tier
        return self._advance()

    def abort(self, call: str, kind: str, error: str) -> list[Command]:
        """End a call without an answer, if it is still there; its function goes too."""
        if self.call is not None and self.call.id == call:
            self._fail_call(Failed(call, kind, error))
        return self._advance()

    def ready(self, function: str, report: LoadReport) -> list[Command]:
        """Fold that a function said it waits for a request."""
        held = self.residencies[function]
        if held.state in (State.LOADING, State.SETTLING):
            held.report = held.report or report
            held.step(State.READY)
        return self._advance()

    def moved(self, function: str, tier: Tier, move_s: float) -> list[Command]:
        """Fold that a function said it is in another tier."""
        held = self.residencies[function]
        if held.state is State.MOVING:
            held.arrive(tier, move_s)
        return self._advance()

    def stayed(self, function: str, error: str) -> list[Command]:
        """Fold that a function could not move; who knows where it is now, so it goes."""
        if self.residencies[function].state is State.MOVING:
            self._give_up(function, error)
        return self._advance()

    def overdue(self, function: str, error: str) -> list[Command]:
        """Fold that a function took too long to say that it waits for a request, or has moved."""
        held = self.residencies.get(function)
        if held is None or held.state not in (State.LOADING, State.SETTLING, State.MOVING):
            return []
        self._give_up(function, error)
        return self._advance()

    def answered(self, function: str, error: str | None) -> list[Command]:
        """Fold that a function has answered its call, or (``error``) raised."""
        held, call = self.residencies[function], self.call
        if held.state is State.RUNNING and call is not None:
            held.step(State.SETTLING)
            self.call = None
            answer = Completed(call.id) if error is None else Failed(call.id, "error", error)
            self._holdings.tell(answer)
        return self._advance()

    def exited(self, function: str, error: str, *, clean: bool) -> list[Command]:
        """Fold that a function's process is confirmed dead, and all that it had started.

        Parameters
        ----------
        error
            How it ended.
        clean
            Whether it ended of itself, without a fault.
        """
        held = self.residencies.pop(function)
        if held.removal is None and held.state is State.SETTLING:
            need = Need(held.memory_bytes, held.library)
            self._loads += [LoadAhead(function, need, held.wanted)] * held.loads
            held.loads = 0
            removal = Removal(error, asked=clean)
        else:
            removal = held.removal or Removal(error, asked=False, blame=True)
        mine = self._end_call_of(function, held, removal)
        for _ in range(held.loads):
            blame = removal.blame and not mine
            self._holdings.tell(LoadFailed(function, removal.reason, blame=blame))
        unasked = not mine and (held.known or (removal.asked and held.loads > 0))
        for _ in range(held.offloads or int(unasked)):
            self._holdings.tell(Offloaded(function, None if removal.asked else removal.reason))
        return self._advance()

    def dropped(self, library: str) -> list[Command]:
        """Fold that the process which held a library is confirmed dead."""
        del self.shelf.libraries[library]
        return self._advance()

    def measured(
        self, memory_bytes: dict[str, int], library_bytes: dict[str, int]
    ) -> list[Command]:
        """Fold what is held; what does not fit goes, idle and large residencies first."""
        staying = self._holdings.staying()
        seen = {name: memory_bytes[name] for name in staying if memory_bytes.get(name)}
        self._holdings.measured(seen, library_bytes)
        known = {name: size_bytes for name, size_bytes in seen.items() if staying[name].known}
        self._holdings.tell(Measured(known, library_bytes))
        self._evict()
        return self._advance()

    def stop(self) -> list[Command]:
        """Take everything away, the call included."""
        self._stopping = True
        if self.call is not None:
            self._fail_call(Failed(self.call.id, "crash", "the instance was stopped"))
        return self._advance()

    def _advance(self) -> list[Command]:
        """Go on as far as the confirmed facts allow, and hand out the commands."""
        reason = "taken away" if self.call is None else "taken away for a call"
        for function, held in self._holdings.staying().items():
            if self._unwanted(function, held):
                self._holdings.remove(function, Removal(reason))
        for function, held in self.residencies.items():
            self._settle(function, held)
        if self.call is not None and self.call.failure is None:
            self._serve(self.call)
        loads, self._loads = self._loads, []
        for load in loads:
            self._load(load)
        if self._stopping:
            self._holdings.drop_unused()
        return self._holdings.take_commands()

    def _load(self, load: LoadAhead) -> None:
        function, held = load.function, self.residencies.get(load.function)
        stopping = "the instance is stopping" if self._stopping else None
        refusal = stopping or load.refusal(held, self.call, self.shelf)
        if refusal is not None:
            self._holdings.tell(LoadFailed(function, refusal, blame=False))
        elif self._must_wait(load, held):
            self._loads.append(load)
        else:
            held = held or self._holdings.spawn(function, load.need)
            held.loads += 1
            held.wanted = load.tier
            self._settle(function, held)

    def _settle(self, function: str, held: Residency) -> None:
        """Answer loads of what is where it shall be, and let what is idle go there."""
        if held.state not in (State.READY, State.RUNNING):
            return
        if held.tier is held.wanted:
            self._holdings.tell_loaded(function)
        elif held.state is State.READY and (self.call is None or self.call.function != function):
            self._holdings.move(function, held.wanted)

    def _must_wait(self, load: LoadAhead, held: Residency | None) -> bool:
        """Whether something must be gone first, or the call loads the function anyway."""
        if held is not None:
            return held.state is State.OFFLOADING
        if self.call is not None:
            return True
        fits = self.shelf.fits(load.need)
        if not fits:
            self._holdings.drop_unused(load.need.library)
        return not fits

    def _unwanted(self, function: str, held: Residency) -> bool:
        call, going = self.call, self._stopping or held.offloads > 0
        if call is None:
            return going
        return function != call.function and (going or call.displaces(function))

    def _serve(self, call: Call) -> None:
        if any(map(call.displaces, self.residencies)):
            return
        held = self.residencies.get(call.function)
        if held is None:
            self._load_for(call)
        elif held.state is State.LOADING:
            call.waited = True
        elif held.state is State.READY and held.tier is not call.tier:
            self._holdings.move(call.function, call.tier)
        elif held.state is State.READY:
            self._holdings.send(call.function, call.id)
            report = held.report if call.waited else None
            self._holdings.tell(Started(call.id, call.function, held.tier, report))

    def _load_for(self, call: Call) -> None:
        """Load a call's function, if need be in the place of those that it would keep."""
        if not self.shelf.fits(call.need):
            self._holdings.drop_unused(call.need.library)
            if self.shelf.waits():
                return
            if self.residencies:
                call.keep = frozenset()
                self._holdings.clear(Removal("taken away for a call"))
                return
        call.waited = True
        self._holdings.spawn(call.function, call.need).wanted = call.tier

    def _end_call_of(self, function: str, held: Residency, removal: Removal) -> bool:
        """Fail the call in the instance if it dies with this residency, and say whether so."""
        call = self.call
        if call is None or call.function != function:
            return False
        failure = call.ending(held, removal)
        if failure is None:
            return False
        self.call = None
        self._holdings.tell(failure)
        return True

    def _fail_call(self, failure: Failed) -> None:
        call = self.call
        if call is None or call.failure is not None:
            return
        held = self.residencies.get(call.function)
        if held is None:
            self.call = None
            self._holdings.tell(failure)
            return
        call.failure = failure
        if held.state is not State.OFFLOADING:
            self._holdings.remove(call.function, Removal(failure.error, asked=False))

    def _give_up(self, function: str, error: str) -> None:
        """Take away a function that does not get ready, with the call that waits for it."""
        call, settling = self.call, self.residencies[function].state is State.SETTLING
        if call is not None and call.function == function and not settling:
            self._fail_call(Failed(call.id, "load", error))
        else:
            self._holdings.remove(function, Removal(error, asked=False, blame=True))

    def _evict(self) -> None:
        if self.shelf.excess_bytes > 0:
            self._holdings.drop_unused()
        for function in self._holdings.expendable(self.call.function if self.call else None):
            if self.shelf.excess_bytes <= 0:
                break
            self._evict_one(function, alone=len(self.residencies) == 1)

    def _evict_one(self, function: str, *, alone: bool) -> None:
        held = self.residencies[function]
        error = f"the instance is over its memory limit; {function} held {held.memory_bytes} bytes"
        if self.call is not None and self.call.function == function:
            kind = "crash" if held.state is State.RUNNING else "load"
            self._fail_call(Failed(self.call.id, kind, error))
        else:
            self._holdings.remove(function, Removal(error, asked=False, blame=alone))
