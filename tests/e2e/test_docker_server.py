"""The server with its instances in containers, as its users have it."""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import docker
import pytest

from bench.demo.server import ServerFailed
from tests.e2e.servers import ECHO, Site, killed, site
from tests.executor.runtimes.containers import engine_url

pytestmark = [pytest.mark.anyio, pytest.mark.docker]

HANG = """
import signal

def load():
    return None

def predict(model, request):
    if request.inputs["x"].data == ["hang"]:
        signal.pause()
    return request.inputs
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def containers(
    folder: Path, functions: dict[str, str], **settings: Any
) -> AbstractAsyncContextManager[Site]:
    """Serve handlers from containers."""
    engines = {"here": {"url": engine_url(), "memory": "1GiB"}}
    return site(folder, functions, runtime="docker", docker={"engines": engines}, **settings)


def ids(here: Site, *, ended: bool = False) -> list[str]:
    """List the ids of the server's containers, with or without those that have ended."""
    (folder,) = here.state.glob("containers-*")
    label = f"headstart.server={folder.name.removeprefix('containers-')}"
    with docker.APIClient(engine_url(), version="auto") as api:
        return [one["Id"] for one in api.containers(all=ended, filters={"label": label})]


def kill(container: str) -> None:
    with docker.APIClient(engine_url(), version="auto") as api:
        api.kill(container)


async def test_a_second_call_finds_the_model_loaded(tmp_path: Path) -> None:
    async with containers(tmp_path, {"echo": ECHO}) as here:
        answers = [await here.call("echo") for _ in range(2)]
        assert "headstart_container_memory_bytes" in await here.metrics()
        assert len(ids(here)) == 1
    assert [one.headers["headstart-start-kind"] for one in answers] == ["cold", "host"]
    assert answers[0].json()["outputs"][0]["data"] == ["hello"]
    assert not list((tmp_path / "state").iterdir())


async def test_idle_containers_are_filled_with_other_functions(tmp_path: Path) -> None:
    async with containers(tmp_path, {"echo": ECHO, "twin": ECHO}) as here:
        await here.call("echo")
        while 'headstart_resident_functions{tier="host"} 2.0' not in await here.metrics():
            pass
        first = await here.call("twin")
        assert len(ids(here)) == 1
    assert first.headers["headstart-start-kind"] == "host"


async def test_a_killed_servers_containers_serve_the_next_one(tmp_path: Path) -> None:
    functions = {"echo": ECHO, "twin": ECHO}
    async with killed(containers(tmp_path, functions)) as here:
        await here.call("echo")
        while 'headstart_resident_functions{tier="host"} 2.0' not in await here.metrics():
            pass
        before = ids(here)
    async with containers(tmp_path, functions) as here:
        found = await here.metrics()
        answer = await here.call("echo")
        assert ids(here) == before
    assert 'headstart_instances{state="idle"} 1.0' in found
    assert 'headstart_resident_functions{tier="host"} 2.0' in found
    assert "headstart_instance_limit_bytes 1.34217728e+08" in found
    assert answer.headers["headstart-start-kind"] == "host"
    with docker.APIClient(engine_url(), version="auto") as api:
        assert not set(before) & {one["Id"] for one in api.containers(all=True)}


async def test_a_killed_server_that_none_follows_leaves_nothing_that_runs(tmp_path: Path) -> None:
    async with killed(containers(tmp_path, {"f": HANG}, grace_s=0.5)) as here:
        await here.call("f")
        hanging = asyncio.create_task(here.call("f", "hang"))
        while 'headstart_instances{state="busy"} 1.0' not in await here.metrics():
            pass
    await asyncio.gather(hanging, return_exceptions=True)
    (left,) = ids(here, ended=True)
    while ids(here):
        await asyncio.sleep(0.05)
    with docker.APIClient(engine_url(), version="auto") as api:
        api.remove_container(left)


async def test_owners_have_containers_of_their_own(tmp_path: Path) -> None:
    async with containers(tmp_path, {"f": ECHO, "g": ECHO}, g={"owner": "p"}) as here:
        statuses = [(await here.call(name)).status_code for name in "fg"]
        assert len(ids(here)) == 2
    assert statuses == [200, 200]


async def test_a_killed_container_fails_its_call_alone(tmp_path: Path) -> None:
    async with containers(tmp_path, {"f": HANG}, plan={"enabled": False}) as here:
        await here.call("f")
        hanging = asyncio.create_task(here.call("f", "hang"))
        while 'headstart_instances{state="busy"} 1.0' not in await here.metrics():
            pass
        (container,) = ids(here)
        kill(container)
        failed = await hanging
        healthy = await here.call("f")
        again = await here.call("f")
    assert failed.status_code == 500
    assert healthy.status_code == again.status_code == 200
    assert again.headers["headstart-start-kind"] == "host"


async def test_instances_that_the_policy_wants_always_end_with_the_server(tmp_path: Path) -> None:
    always = {"policy": "always_on"}
    async with containers(tmp_path, dict.fromkeys("ab", ECHO), keep_alive=always) as here:
        while 'headstart_instances{state="idle"} 2.0' not in await here.metrics():
            pass
        (folder,) = here.state.glob("containers-*")
    label = f"headstart.server={folder.name.removeprefix('containers-')}"
    with docker.APIClient(engine_url(), version="auto") as api:
        assert not api.containers(all=True, filters={"label": label})
    assert (tmp_path / "server" / "server.log").read_text() == ""


async def test_an_engine_that_is_not_there_ends_the_start(tmp_path: Path) -> None:
    engines = {"far": {"url": f"unix://{tmp_path}/nothing"}}
    with pytest.raises(ServerFailed, match=r"engine far at unix://.*/nothing does not answer"):
        async with site(tmp_path, {"echo": ECHO}, runtime="docker", docker={"engines": engines}):
            pass
