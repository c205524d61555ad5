import asyncio
from pathlib import Path

import pytest

from executor.errors import TemporaryFailure
from executor.gpu.daemons import Daemons
from executor.gpu.mps import Share
from executor.units import GIB
from tests.executor.gpu.fakes import control_program

SHARE = Share(threads_percent=50, memory_bytes=GIB)


@pytest.fixture
def daemons(tmp_path: Path) -> Daemons:
    return Daemons(SHARE, tmp_path / "mps", control_program(tmp_path / "bin"))


def threads(daemons: Daemons, owner: str, gpu: str = "GPU-1") -> Path:
    """Return the file in which the control program keeps its share of threads."""
    return daemons.pipes(gpu, owner) / "threads"


def test_each_gpu_and_owner_has_one_from_when_it_is_needed_until_the_end(daemons: Daemons) -> None:
    async def scenario() -> None:
        assert not threads(daemons, "ann").exists()
        await asyncio.gather(*(daemons.ready("GPU-1", name) for name in ("ann", "ann", "bob")))
        assert threads(daemons, "ann").read_text() == "50.0"
        assert daemons.pipes("GPU-1", "ann") != daemons.pipes("GPU-1", "bob")
        assert daemons.pipes("GPU-1", "ann") != daemons.pipes("GPU-2", "ann")
        assert daemons.variables("GPU-1", "ann")["CUDA_VISIBLE_DEVICES"] == "GPU-1"
        await daemons.close()
        assert not threads(daemons, "ann").exists()
        assert not threads(daemons, "bob").exists()

    asyncio.run(scenario())


def test_one_at_fault_is_started_anew_and_counted(daemons: Daemons) -> None:
    async def scenario() -> None:
        await daemons.ready("GPU-1", "ann")
        await daemons.check()
        assert daemons.restarts == 0
        threads(daemons, "ann").unlink()
        await daemons.check()
        assert (daemons.restarts, threads(daemons, "ann").read_text()) == (1, "50.0")
        threads(daemons, "ann").write_text("90.0")
        await daemons.check()
        assert (daemons.restarts, threads(daemons, "ann").read_text()) == (2, "50.0")

    asyncio.run(scenario())


def test_that_of_a_killed_server_goes_on(daemons: Daemons, tmp_path: Path) -> None:
    async def scenario() -> None:
        await daemons.ready("GPU-1", "ann")
        log = daemons.pipes("GPU-1", "ann").parent / "logs" / "said"
        said = log.read_text()
        environment = {"PATH": f"{tmp_path / 'bin'}"}
        await Daemons(SHARE, tmp_path / "mps", environment).ready("GPU-1", "ann")
        assert log.read_text() == f"{said}get_default_active_thread_percentage\n"

    asyncio.run(scenario())


def test_one_that_does_not_start_says_so_each_time_it_is_needed(tmp_path: Path) -> None:
    async def scenario() -> None:
        daemons = Daemons(SHARE, tmp_path / "mps", {"PATH": str(tmp_path)})
        for _ in range(2):
            with pytest.raises(TemporaryFailure, match="no program"):
                await daemons.ready("GPU-1", "ann")

    asyncio.run(scenario())
