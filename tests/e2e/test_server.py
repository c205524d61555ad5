"""The server as its users have it: a process, real functions, HTTP."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tritonclient import http as triton

from tests.e2e.servers import ECHO, Site, killed, site

pytestmark = pytest.mark.anyio

HANG = """
import signal

def load():
    return None

def predict(model, request):
    signal.pause()
"""
NO_WEIGHTS = "def load():\n    raise OSError('no weights')\ndef predict(model, request): ..."
TALKS = """
import signal

def load():
    return None

def predict(model, request):
    yield {"x": ["first"]}
    signal.pause()
"""
CRASH = "import os\ndef load(): ...\ndef predict(model, request):\n    os._exit(9)"
GREEDY = "def load(): ...\ndef predict(model, request):\n    return {'x': ['y' * (4 << 30)]}"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_client_that_is_not_ours_lists_loads_infers_and_unloads(tmp_path: Path) -> None:
    async with site(tmp_path, {"echo": ECHO}) as here:
        await asyncio.to_thread(_use_triton, here.client.base_url.netloc.decode())


def _use_triton(address: str) -> None:
    client = triton.InferenceServerClient(address)
    assert client.is_server_live()
    assert client.is_server_ready()
    assert [one["name"] for one in client.get_model_repository_index()] == ["echo"]
    assert client.get_model_metadata("echo")["inputs"][0]["datatype"] == "BYTES"
    words = np.array([b"one", b"two"], dtype=np.object_)
    given = triton.InferInput("x", [2], "BYTES").set_data_from_numpy(words)
    assert client.infer("echo", [given]).as_numpy("x").tolist() == words.tolist()
    client.unload_model("echo")
    assert not client.is_model_ready("echo")
    client.load_model("echo")
    assert client.is_model_ready("echo")
    client.close()


async def test_a_second_call_finds_the_model_loaded(tmp_path: Path) -> None:
    async with site(tmp_path, {"echo": ECHO}) as here:
        kinds = [(await here.call("echo")).headers["headstart-start-kind"] for _ in range(2)]
    assert kinds == ["cold", "host"]


async def test_idle_instances_are_filled_with_other_functions(tmp_path: Path) -> None:
    """A function that was never called is loaded ahead into what another one left idle."""
    async with site(tmp_path, {"echo": ECHO, "twin": ECHO}) as here:
        await here.call("echo")
        while 'headstart_resident_functions{tier="host"} 2.0' not in await here.metrics():
            pass
        first = await here.call("twin")
    assert first.headers["headstart-start-kind"] == "host"


async def test_a_killed_servers_residents_serve_the_next_one(tmp_path: Path) -> None:
    functions = {"echo": ECHO, "twin": ECHO}
    async with killed(site(tmp_path, functions)) as here:
        await here.call("echo")
        while 'headstart_resident_functions{tier="host"} 2.0' not in await here.metrics():
            pass
        before = here.managers()
    async with site(tmp_path, functions) as here:
        found = await here.metrics()
        answers = [await here.call(name) for name in functions]
        assert here.managers() == before
    assert 'headstart_instances{state="idle"} 1.0' in found
    assert 'headstart_resident_functions{tier="host"} 2.0' in found
    assert answers[0].headers["headstart-start-kind"] == "host"
    assert [one.status_code for one in answers] == [200, 200]
    assert not list((tmp_path / "state").iterdir())


async def test_an_unknown_model_is_not_found(tmp_path: Path) -> None:
    async with site(tmp_path, {"echo": ECHO}) as here:
        answer = await here.call("nobody")
    assert answer.status_code == 404
    assert "nobody" in answer.json()["error"]


async def test_bad_requests_name_what_is_wrong(tmp_path: Path) -> None:
    path = "/v2/models/echo/infer"
    shape = {"inputs": [{"name": "x", "datatype": "BYTES", "shape": [2, 2], "data": ["a"]}]}
    async with site(tmp_path, {"echo": ECHO}, gateway={"port": 0, "max_body": "1KiB"}) as here:
        malformed = await here.client.post(path, content=b"{")
        wrong = await here.client.post(path, json=shape)
        large = await here.client.post(path, content=b"x" * 2000)
    assert malformed.status_code == wrong.status_code == 400
    assert "shape" in wrong.json()["error"]
    assert large.status_code == 413


async def test_a_function_that_cannot_load_is_left_alone_for_a_while(tmp_path: Path) -> None:
    async with site(tmp_path, {"bad": NO_WEIGHTS, "echo": ECHO}, plan={"enabled": False}) as here:
        failed = [await here.call("bad") for _ in range(2)]
        refused = await here.call("bad")
        entry = (await here.index())["bad"]
        healthy = await here.call("echo")
    assert [one.status_code for one in failed] == [500, 500]
    assert "no weights" in failed[0].json()["error"]
    assert refused.status_code == 503
    assert float(refused.headers["retry-after"]) >= 1
    assert entry["state"] == "UNAVAILABLE"
    assert "no weights" in entry["reason"]
    assert healthy.status_code == 200


@pytest.mark.parametrize("code", [CRASH, GREEDY])
async def test_a_crash_while_running_is_the_functions_failure_alone(
    tmp_path: Path, code: str
) -> None:
    async with site(tmp_path, {"bad": code, "echo": ECHO}) as here:
        failed = await here.call("bad")
        healthy = await here.call("echo")
    assert failed.status_code == 500
    assert healthy.status_code == 200


async def test_a_call_that_takes_too_long_ends_and_leaves_nothing(tmp_path: Path) -> None:
    functions = {"hang": HANG, "echo": ECHO}
    async with site(tmp_path, functions, hang={"timeout_s": 0.5}, plan={"enabled": False}) as here:
        late = await here.call("hang")
        after = await here.call("echo")
        left = here.processes("-m\0headstart")
    assert late.status_code == 504
    assert after.status_code == 200
    assert len(left) == 1


async def test_a_call_whose_client_went_away_is_cancelled(tmp_path: Path) -> None:
    async with site(tmp_path, {"hang": HANG}, plan={"enabled": False}) as here:
        with pytest.raises(httpx.ReadTimeout):
            async with httpx.AsyncClient(base_url=here.client.base_url, timeout=2) as impatient:
                await Site(impatient, here.state).call("hang")
        while here.processes("-m\0headstart"):
            await here.client.get("/v2/health/live")


async def test_the_first_part_of_an_answer_comes_while_the_function_is_at_work(
    tmp_path: Path,
) -> None:
    tensor = {"name": "x", "datatype": "BYTES", "shape": [1], "data": ["hello"]}
    asked: dict[str, Any] = {
        "json": {"inputs": [tensor]},
        "headers": {"accept": "text/event-stream"},
    }
    async with site(tmp_path, {"talks": TALKS}, plan={"enabled": False}) as here:
        async with here.client.stream("POST", "/v2/models/talks/infer", **asked) as answer:
            async for line in answer.aiter_lines():
                assert json.loads(line.removeprefix("data: "))["outputs"][0]["data"] == ["first"]
                break
            assert here.processes("-m\0headstart")
        while here.processes("-m\0headstart"):
            await here.client.get("/v2/health/live")


async def test_killing_functions_and_managers_loses_no_other_call(tmp_path: Path) -> None:
    """A kill fails one call at most: the one in that process, or one that met three kills."""
    dice = random.Random(1)
    async with site(tmp_path, dict.fromkeys("abcd", ECHO)) as here:
        answers: asyncio.Queue[int] = asyncio.Queue()
        calls = [asyncio.create_task(_calls(here, name, 30, answers)) for name in "abcd"]
        statuses: list[int] = []
        kills = 0
        while len(statuses) < 120:
            statuses.append(await answers.get())
            if len(statuses) % 6 == 0:
                kills += _kill_one(here, dice)
        await asyncio.gather(*calls)
        healed = [(await here.call(name)).status_code for name in "abcd"]
    assert kills > 10
    assert sum(status != 200 for status in statuses) <= kills
    assert set(statuses) <= {200, 500, 503}
    assert healed == [200] * 4


async def _calls(here: Site, function: str, count: int, answers: asyncio.Queue[int]) -> None:
    for _ in range(count):
        answers.put_nowait((await here.call(function)).status_code)


def _kill_one(here: Site, dice: random.Random) -> int:
    victims = here.processes(dice.choice(["-m\0headstart", "executor.proxy"]))
    for victim in victims[:1]:
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
            return 1
    return 0


async def test_instances_that_the_policy_wants_always_end_with_the_server(tmp_path: Path) -> None:
    functions = dict.fromkeys("abcd", ECHO)
    async with site(tmp_path, functions, keep_alive={"policy": "always_on"}) as here:
        while 'headstart_instances{state="idle"} 4.0' not in await here.metrics():
            pass
    assert not here.processes("executor.proxy")
    assert not list(here.state.iterdir())
    assert (tmp_path / "server" / "server.log").read_text() == ""


async def test_a_server_without_isolation_says_so(tmp_path: Path) -> None:
    async with site(tmp_path, {"echo": ECHO}, isolate=False) as here:
        assert (await here.call("echo")).status_code == 200
    said = (tmp_path / "server" / "server.log").read_text()
    assert "isolation between functions is off: switched off" in said


def test_an_unknown_key_in_the_configuration_is_named(tmp_path: Path) -> None:
    file = tmp_path / "headstart.yaml"
    file.write_text("functions: f\nworkr: {memory: 1GiB}\n")
    done = subprocess.run(
        [sys.executable, "-m", "executor", "serve", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "workr" in done.stderr
    assert "'worker'" in done.stderr
