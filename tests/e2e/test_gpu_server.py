"""A whole server with a GPU that is not there."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.servers import Site, site
from tests.executor.gpu.fakes import GPU, HANDLER, FakeGpus, build_library, control_program

pytestmark = [pytest.mark.anyio]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeGpus:
    pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed")
    made = FakeGpus(tmp_path / "gpus")
    library = build_library(made.folder)
    paths = [str(library), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    monkeypatch.setenv("LD_LIBRARY_PATH", os.pathsep.join(paths))
    monkeypatch.setenv("FAKE_NVML", str(made.script))
    return made


def manifest(gpus: FakeGpus, owner: str) -> dict[str, Any]:
    gpu = {"memory": "600MiB", "host_memory": "32MiB", "move_s": 0.1}
    profile = {"import_s": 0.1, "load_s": 0.1, "memory": "32MiB", "gpu": gpu}
    environment = {"FAKE_GPU": str(gpus.held), "GPU_MIB": "600", "LEFT_MIB": "0"}
    tensors = [{"name": "y", "datatype": "BYTES", "shape": [-1]}]
    return {"owner": owner, "profile": profile, "environment": environment, "outputs": tensors}


@pytest.fixture
async def served(gpus: FakeGpus, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Site]:
    functions = dict.fromkeys(("f", "g"), HANDLER)
    settings: dict[str, Any] = {
        "isolate": False,
        "worker": {"memory": "1GiB", "gpu": {"reserve": "200MiB", "context": "100MiB"}},
        "f": manifest(gpus, "ann"),
        "g": manifest(gpus, "bob"),
    }
    async with site(tmp_path, functions, **settings) as made:
        yield made


async def where(served: Site, function: str) -> str:
    answer = await served.call(function)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["outputs"][0]["data"][0])


def log(folder: Path) -> str:
    """Return what the server said on its error output."""
    return (folder / "server" / "server.log").read_text()


async def metric(served: Site, name: str) -> float:
    (line,) = [one for one in (await served.metrics()).splitlines() if one.startswith(name)]
    return float(line.split()[-1])


async def test_calls_take_turns_on_a_full_gpu_and_models_stay_in_memory(
    served: Site, tmp_path: Path
) -> None:
    for function in ("f", "g", "f", "g"):
        assert await where(served, function) == f"gpu on {GPU}"
    text = await served.metrics()
    for function in ("f", "g"):
        labels = f'function="{function}",start_kind="'
        assert f'headstart_requests_total{{{labels}cold",status="200"}} 1.0' in text
    assert "headstart_load_failures_total 0.0" in text
    assert "headstart_offloads_total 0.0" in text
    assert log(tmp_path).count("GPUs are shared in slices of time") == 1


async def test_what_other_programs_hold_and_faults_reach_calls_and_metrics(
    served: Site, gpus: FakeGpus
) -> None:
    assert await where(served, "f") == f"gpu on {GPU}"
    gpus.say("errors 1")
    while await metric(served, "headstart_gpu_fault") == 0:
        pass
    while await where(served, "f") != f"host on {GPU}":
        pass
    assert await where(served, "g") == "host on "
    gpus.say(foreign_mib=100)
    while await metric(served, "headstart_gpu_fault") == 1:
        pass
    foreign = f'headstart_gpu_memory_bytes{{gpu="{GPU}",kind="foreign"}}'
    assert await metric(served, foreign) == 100 * 2**20


async def test_a_gpu_that_is_not_there_is_named_at_the_start(
    gpus: FakeGpus, tmp_path: Path
) -> None:
    worker = {"memory": "1GiB", "gpu": {"devices": ["GPU-9"]}}
    with pytest.raises(Exception, match=r"error: worker local: there is no GPU GPU-9"):
        async with site(tmp_path, {"f": HANDLER}, worker=worker):
            pass


async def test_mps_daemons_are_there_while_the_server_is(
    gpus: FakeGpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", control_program(tmp_path / "bin")["PATH"])
    gpu = {"reserve": "200MiB", "mps": {"memory": "600MiB", "threads_percent": 40}}
    settings: dict[str, Any] = {
        "isolate": False,
        "worker": {"memory": "1GiB", "gpu": gpu},
        "f": manifest(gpus, "ann"),
    }
    async with site(tmp_path, {"f": HANDLER}, **settings) as served:
        answer = await served.call("f")
        device, pipes = answer.json()["outputs"][0]["data"]
        assert device == f"gpu on {GPU}"
        assert Path(pipes, "threads").read_text() == "40.0"
        assert await metric(served, "headstart_mps_restarts_total") == 0
    assert not Path(pipes, "threads").exists()
    assert "slices of time" not in log(tmp_path)


async def test_no_call_is_lost_while_models_take_turns(served: Site, gpus: FakeGpus) -> None:
    functions = ["f", "g"] * 15
    answers = await asyncio.gather(*(served.call(function) for function in functions))
    assert [one.status_code for one in answers] == [200] * len(functions)
    said = {one.json()["outputs"][0]["data"][0] for one in answers}
    assert said <= {f"gpu on {GPU}", f"host on {GPU}"}
    assert "headstart_load_failures_total 0.0" in await served.metrics()
    assert await metric(served, "headstart_waiting_calls") == 0
