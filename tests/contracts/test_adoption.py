"""What live runtimes make of the instances of a server that was killed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from executor import events as ev
from executor.domain import InstanceState, ResidencyState, Tier
from executor.functions import Package
from executor.units import MIB
from tests.executor.gpu.fakes import GPU, FakeGpus
from tests.executor.runtimes.killed import Plan
from tests.executor.runtimes.worlds import ECHO, HANG, LIMIT_BYTES, handler, sharing

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def alone(package: Package) -> Package:
    return package


def shared(package: Package) -> Package:
    return sharing(package, "decimal")


WAYS = [
    pytest.param("process", alone, id="process"),
    pytest.param("process", shared, id="forked"),
    pytest.param("docker", alone, id="docker", marks=pytest.mark.docker),
]
Way = Callable[[Package], Package]


def packages(folder: Path, way: Way) -> list[Package]:
    codes = {"echo": ECHO, "twin": ECHO, "hang": HANG}
    return [way(handler(name, folder, code)) for name, code in codes.items()]


@pytest.mark.parametrize(("runtime", "way"), WAYS)
async def test_residents_of_a_killed_server_serve_the_next(
    runtime: str, way: Way, tmp_path: Path
) -> None:
    plan = Plan(runtime, packages(tmp_path, way), tmp_path / "state", ("echo", "twin"))
    plan.play(tmp_path)
    async with plan.opened() as here:
        found = await here.expect(ev.InstancesFound)
        (instance,) = found.instances
        assert (instance.id, instance.owner, instance.function) == ("i1", "o", "echo")
        assert (instance.worker, instance.limit_bytes) == ("w", LIMIT_BYTES)
        assert instance.state is InstanceState.IDLE
        assert instance.base_bytes > 0
        states = {name: held.state for name, held in instance.residencies.items()}
        assert states == {"echo": ResidencyState.READY, "twin": ResidencyState.READY}
        assert all(held.memory_bytes > 0 for held in instance.residencies.values())
        assert all(found.reports[name].import_s > 0 for name in states)
        assert (way is shared) == bool(instance.libraries)
        here.run("echo", keep=frozenset({"twin"}))
        assert (await here.expect(ev.Started)).report is None
        await here.expect(ev.Completed)


@pytest.mark.parametrize(("runtime", "way"), WAYS)
async def test_a_call_whose_caller_is_gone_is_ended(runtime: str, way: Way, tmp_path: Path) -> None:
    plan = Plan(runtime, packages(tmp_path, way), tmp_path / "state", ("echo",), call="hang")
    plan.play(tmp_path)
    async with plan.opened() as here:
        (instance,) = (await here.expect(ev.InstancesFound)).instances
        assert set(instance.residencies) == {"echo"}
        here.run("echo")
        assert (await here.expect(ev.Started)).report is None
        await here.expect(ev.Completed)


@pytest.mark.parametrize(("runtime", "way"), WAYS)
async def test_what_has_other_code_by_now_is_removed(
    runtime: str, way: Way, tmp_path: Path
) -> None:
    plan = Plan(runtime, packages(tmp_path, way), tmp_path / "state", ("echo",))
    plan.play(tmp_path)
    (tmp_path / "twin" / "handler.py").write_text(HANG)
    async with plan.opened() as here:
        await here.start()
        assert (await here.load("echo")).import_s > 0


async def test_what_a_killed_server_has_left_on_a_gpu_is_there_and_accounted_for(
    tmp_path: Path,
) -> None:
    package = FakeGpus(tmp_path / "gpus").package("f", tmp_path)
    plan = Plan("gpu", [package], tmp_path / "state", ("f",), tier=Tier.GPU)
    plan.play(tmp_path)
    async with plan.opened() as here:
        (instance,) = (await here.expect(ev.InstancesFound)).instances
        assert instance.gpu == GPU
        held = instance.residencies["f"]
        assert (held.tier, held.state) == (Tier.GPU, ResidencyState.READY)
        assert held.gpu_memory_bytes == 400 * MIB
        here.run("f", tier=Tier.GPU)
        started = await here.expect(ev.Started)
        assert (started.tier, started.report) == (Tier.GPU, None)
        await here.expect(ev.Completed)
        await here.load("f", Tier.HOST)
