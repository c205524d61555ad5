"""The machine of the intra-container manager against a world in which anything may happen."""

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from executor.proxy.commands import Command, Drop, Kill, Move, Send, Spawn, Tell
from executor.proxy.machine import Machine
from executor.proxy.outcomes import (
    Completed,
    Failed,
    Loaded,
    LoadFailed,
    LoadReport,
    Measured,
    Offloaded,
    Outcome,
    Started,
)
from executor.proxy.residency import Need, Tier

FUNCTIONS = ("f", "g", "h")
LIMIT_BYTES = 100
REPORT = LoadReport(0.1, 0.2)

functions = st.sampled_from(FUNCTIONS)
sizes = st.integers(0, 60)
needs = st.builds(Need, sizes) | st.builds(Need, sizes, st.sampled_from("lm"), sizes)
tiers = st.sampled_from(Tier)


class ProxyWorld(RuleBasedStateMachine):
    """Plays the processes and one client.

    ``processes`` is the truth: starting, listening, moving, busy, settling or dying, and ``tiers``
    where their models are or are going. ``view`` is what the client believes to be loaded, and
    where, from outcomes alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.machine = Machine(LIMIT_BYTES, base_bytes=0)
        self.processes: dict[str, str] = {}
        self.libraries: dict[str, str] = {}
        self.loads: Counter[str] = Counter()
        self.offloads: Counter[str] = Counter()
        self.tiers: dict[str, Tier] = {}
        self.view: dict[str, str] = {}
        self.call_tier = Tier.HOST
        self.keep: frozenset[str] = frozenset()
        self.open_call: str | None = None
        self.call_function = ""
        self.calls = 0
        self.stopping = False

    def carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Spawn(function):
                    assert function not in self.processes
                    self.processes[function] = "starting"
                    self.tiers[function] = Tier.HOST
                    library = self.machine.residencies[function].library
                    if library:
                        assert self.libraries.setdefault(library, "held") == "held"
                case Drop(library):
                    users = {held.library for held in self.machine.residencies.values()}
                    assert library not in users
                    assert self.libraries[library] == "held"
                    self.libraries[library] = "dying"
                case Move(function, tier):
                    assert self.processes[function] == "listening"
                    assert self.tiers[function] is not tier
                    if self.open_call is not None and function == self.call_function:
                        assert set(self.processes) <= {function} | self.keep
                    self.processes[function] = "moving"
                    self.tiers[function] = tier
                case Kill(function):
                    assert self.processes[function] != "dying"
                    self.processes[function] = "dying"
                case Send(function, call):
                    assert (function, call) == (self.call_function, self.open_call)
                    assert self.processes[function] == "listening"
                    assert self.tiers[function] is self.call_tier
                    assert set(self.processes) <= {function} | self.keep
                    self.processes[function] = "busy"
                case Tell(outcome):
                    self.told(outcome)

    def told(self, outcome: Outcome) -> None:
        match outcome:
            case Loaded(function, tier, report):
                assert (report.import_s, report.load_s) == (REPORT.import_s, REPORT.load_s)
                assert self.processes[function] in ("listening", "busy")
                assert tier == self.tiers[function]
                self.answer_load(function)
                self.view[function] = tier
            case LoadFailed(function):
                self.answer_load(function)
            case Offloaded(function):
                assert function not in self.processes
                self.offloads[function] -= self.offloads[function] > 0
                self.view.pop(function, None)
            case Started(call, function, tier):
                assert call == self.open_call
                assert (function, tier) == (self.call_function, self.call_tier)
                self.view[function] = tier
            case Completed(call):
                self.close_call(call)
            case Failed(call, kind):
                self.close_call(call)
                if kind != "error":
                    assert self.stopping or self.call_function not in self.processes
                    self.view.pop(self.call_function, None)
            case Measured(memory_bytes):
                assert not set(memory_bytes).intersection(self.in_phase("dying"))
                assert all(memory_bytes.values())

    def answer_load(self, function: str) -> None:
        assert self.loads[function] > 0
        self.loads[function] -= 1

    def close_call(self, call: str) -> None:
        assert call == self.open_call
        self.open_call = None

    def in_phase(self, *phases: str) -> list[str]:
        return [function for function, phase in self.processes.items() if phase in phases]

    @rule(function=functions, need=needs, tier=tiers)
    def load(self, function: str, need: Need, tier: Tier) -> None:
        self.loads[function] += 1
        self.carry_out(self.machine.load(function, need, tier))

    @rule(function=functions)
    def offload(self, function: str) -> None:
        self.offloads[function] += 1
        self.carry_out(self.machine.offload(function))

    @precondition(lambda self: self.open_call is None)
    @rule(function=functions, keep=st.frozensets(functions), need=needs, tier=tiers)
    def run_call(self, function: str, keep: frozenset[str], need: Need, tier: Tier) -> None:
        self.calls += 1
        self.open_call, self.call_function, self.keep = f"c{self.calls}", function, keep
        self.call_tier = tier
        self.carry_out(self.machine.run(self.open_call, function, keep, need, tier))

    @precondition(lambda self: self.open_call is not None)
    @rule(kind=st.sampled_from(["deadline", "cancelled"]))
    def abort(self, kind: str) -> None:
        assert self.open_call is not None
        self.carry_out(self.machine.abort(self.open_call, kind, "because"))

    @precondition(lambda self: self.in_phase("starting", "settling"))
    @rule(data=st.data())
    def ready(self, data: st.DataObject) -> None:
        function = data.draw(st.sampled_from(self.in_phase("starting", "settling")))
        self.processes[function] = "listening"
        self.carry_out(self.machine.ready(function, REPORT))

    @precondition(lambda self: self.in_phase("moving"))
    @rule(data=st.data())
    def moved(self, data: st.DataObject) -> None:
        function = data.draw(st.sampled_from(self.in_phase("moving")))
        self.processes[function] = "listening"
        self.carry_out(self.machine.moved(function, self.tiers[function], 0.5))

    @precondition(lambda self: self.in_phase("moving"))
    @rule(data=st.data())
    def stayed(self, data: st.DataObject) -> None:
        function = data.draw(st.sampled_from(self.in_phase("moving")))
        self.carry_out(self.machine.stayed(function, "it could not"))
        assert self.processes[function] == "dying"

    @precondition(lambda self: self.in_phase("busy"))
    @rule(error=st.sampled_from([None, "raised"]))
    def answered(self, error: str | None) -> None:
        (function,) = self.in_phase("busy")
        self.processes[function] = "settling"
        self.carry_out(self.machine.answered(function, error))

    @precondition(lambda self: self.processes)
    @rule(data=st.data(), clean=st.booleans())
    def exited(self, data: st.DataObject, clean: bool) -> None:
        function = data.draw(st.sampled_from(sorted(self.processes)))
        self.exit(function, clean=clean)

    @rule(function=functions)
    def overdue(self, function: str) -> None:
        self.carry_out(self.machine.overdue(function, "too slow"))

    @precondition(lambda self: self.libraries)
    @rule(data=st.data())
    def library_ends(self, data: st.DataObject) -> None:
        library = data.draw(st.sampled_from(sorted(self.libraries)))
        del self.libraries[library]
        self.carry_out(self.machine.dropped(library))

    @rule(data=st.data())
    def measured(self, data: st.DataObject) -> None:
        held = {function: data.draw(sizes) for function in self.processes}
        shared = {library: data.draw(sizes) for library in self.libraries}
        self.carry_out(self.machine.measured(held, shared))
        staying = [held[function] for function in held if self.processes[function] != "dying"]
        kept = [shared[library] for library in shared if self.libraries[library] != "dying"]
        assert sum(staying) + sum(kept) <= LIMIT_BYTES or not staying

    @rule()
    def stop(self) -> None:
        self.stopping = True
        self.carry_out(self.machine.stop())

    @invariant()
    def nothing_waits_for_nothing(self) -> None:
        """An open request has a process to wait for: no request is dropped."""
        if not self.processes and "dying" not in self.libraries.values():
            assert self.open_call is None
            assert not +self.loads
            assert not +self.offloads

    @invariant()
    def the_client_knows(self) -> None:
        """What is loaded, and not on its way or unasked for, is where the client sees it."""
        for function in self.in_phase("listening", "busy", "settling"):
            if function != self.call_function:
                assert self.view[function] == self.tiers[function]
        assert set(self.view) <= set(self.processes)

    def exit(self, function: str, *, clean: bool) -> None:
        del self.processes[function]
        self.carry_out(self.machine.exited(function, "it ended", clean=clean))

    def teardown(self) -> None:
        self.stop()
        for _ in range(len(self.processes)):
            assert self.processes == dict.fromkeys(self.processes, "dying")
            self.exit(next(iter(self.processes)), clean=False)
        assert self.libraries == dict.fromkeys(self.libraries, "dying")
        for library in list(self.libraries):
            del self.libraries[library]
            self.carry_out(self.machine.dropped(library))
        assert self.machine.stopped
        assert not self.view
        self.nothing_waits_for_nothing()


ProxyWorld.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestProxyWorld = ProxyWorld.TestCase
