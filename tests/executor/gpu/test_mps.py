import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from executor.errors import TemporaryFailure
from executor.gpu.mps import PROGRAM, MpsDaemon, Share
from executor.units import GIB
from tests.executor.gpu.fakes import control_program

SHARE = Share(threads_percent=40, memory_bytes=2 * GIB)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return control_program(tmp_path / "bin")


@pytest.fixture
def daemon(tmp_path: Path, environment: dict[str, str]) -> Callable[[str], MpsDaemon]:
    return lambda owner: MpsDaemon("GPU-1", SHARE, tmp_path / owner, environment)


def said(tmp_path: Path, owner: str) -> list[str]:
    return (tmp_path / owner / "logs" / "said").read_text().splitlines()


def test_it_is_started_for_its_gpu_with_its_share_set(
    tmp_path: Path, daemon: Callable[[str], MpsDaemon]
) -> None:
    async def scenario() -> None:
        one = daemon("ann")
        await one.start()
        assert await one.fault() == ""

    asyncio.run(scenario())
    assert said(tmp_path, "ann")[:2] == [
        "set_default_active_thread_percentage 40",
        "set_default_device_pinned_mem_limit 0 2048M",
    ]
    assert (tmp_path / "ann" / "logs" / "gpu").read_text() == "GPU-1"


def test_owners_have_daemons_of_their_own(daemon: Callable[[str], MpsDaemon]) -> None:
    async def scenario() -> None:
        ann, bob = daemon("ann"), daemon("bob")
        await ann.start()
        await bob.start()
        await ann.stop()
        assert await bob.fault() == ""
        assert "Cannot find MPS control daemon" in await ann.fault()

    asyncio.run(scenario())


def test_a_stopped_one_can_be_started_again_and_stopped_twice(
    daemon: Callable[[str], MpsDaemon],
) -> None:
    async def scenario() -> None:
        one = daemon("ann")
        for _ in range(2):
            await one.start()
            await one.stop()
            await one.stop()

    asyncio.run(scenario())


def test_one_whose_share_was_changed_behind_our_back_is_at_fault(
    tmp_path: Path, daemon: Callable[[str], MpsDaemon]
) -> None:
    async def scenario() -> None:
        one = daemon("ann")
        await one.start()
        (tmp_path / "ann" / "pipes" / "threads").write_text("90.0")
        assert await one.fault() == "its share of threads is '90.0'; expected 40"

    asyncio.run(scenario())


def test_one_that_runs_already_is_not_started_over(daemon: Callable[[str], MpsDaemon]) -> None:
    async def scenario() -> None:
        await daemon("ann").start()
        with pytest.raises(TemporaryFailure, match="ended with status 1"):
            await daemon("ann").start()

    asyncio.run(scenario())


def test_without_the_program_it_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        one = MpsDaemon("GPU-1", SHARE, tmp_path / "ann", {"PATH": str(tmp_path)})
        with pytest.raises(TemporaryFailure, match=f"no program {PROGRAM} on the PATH"):
            await one.start()

    asyncio.run(scenario())


def test_functions_are_told_where_it_is(tmp_path: Path) -> None:
    one = MpsDaemon("GPU-1", SHARE, tmp_path, {})
    assert one.client_environment() == {
        "CUDA_VISIBLE_DEVICES": "GPU-1",
        "CUDA_MPS_PIPE_DIRECTORY": str(tmp_path / "pipes"),
        "CUDA_MPS_LOG_DIRECTORY": str(tmp_path / "logs"),
    }


@pytest.mark.parametrize(("percent", "size"), [(0, GIB), (101, GIB), (50, 0)])
def test_a_share_is_a_share(percent: float, size: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        Share(percent, size)
