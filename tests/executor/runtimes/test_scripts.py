"""Functions written as programs that read and print lines."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from executor import events as ev
from executor.calls import Payload
from tests.executor.runtimes.worlds import World, script, world

pytestmark = pytest.mark.anyio

LOOP = """
import headstart

model = headstart.load(lambda: 10)
while True:
    request = headstart.wait()
    headstart.answer({"y": [model * item for item in request.inputs["x"].data]})
"""

ONCE = LOOP.replace("while True:", "for _ in range(1):")

SHELL = """#!/bin/sh
echo "I am about to be ready"
while echo '{"ready": true}' && read -r line; do
    echo '{"outputs": [{"name": "y", "datatype": "BYTES", "shape": [1], "data": ["from a shell"]}]}'
done
"""

REFUSES = LOOP.replace("    headstart.answer", '    print(\'{"error": "no"}\')\n    continue\n#')
BABBLES = LOOP.replace("    headstart.answer", "    print('{\"outputs\": [1]}')\n    continue\n#")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def numbers(*values: float, binary: bool = False) -> Payload:
    tensor: dict[str, Any] = {"name": "x", "datatype": "FP32", "shape": [len(values)]}
    body = {"id": "7", "inputs": [tensor], "parameters": {"binary_data_output": binary}}
    if not binary:
        tensor["data"] = list(values)
        return Payload(json.dumps(body).encode())
    data = struct.pack(f"<{len(values)}f", *values)
    tensor["parameters"] = {"binary_data_size": len(data)}
    return Payload(json.dumps(body).encode(), data)


async def ten_times(here: World) -> list[float]:
    answer = json.loads((await here.answer("f", numbers(1.0, 2.5))).header)
    assert (answer["model_name"], answer["id"]) == ("f", "7")
    (output,) = answer["outputs"]
    data: list[float] = output["data"]
    return data


async def test_a_script_serves_again_and_again(tmp_path: Path) -> None:
    async with world([script("f", tmp_path, LOOP)], tmp_path / "state") as here:
        await here.start()
        report = await here.load("f")
        assert report.import_s > 0
        for _ in range(3):
            assert await ten_times(here) == [10.0, 25.0]


async def test_a_script_that_ends_after_its_answer_is_gone_without_blame(tmp_path: Path) -> None:
    async with world([script("f", tmp_path, ONCE)], tmp_path / "state") as here:
        await here.start()
        assert await ten_times(here) == [10.0, 25.0]
        assert (await here.expect(ev.Offloaded)).error is None


async def test_a_call_behind_a_script_that_ends_starts_it_anew(tmp_path: Path) -> None:
    async with world([script("f", tmp_path, ONCE)], tmp_path / "state") as here:
        await here.start()
        assert await ten_times(here) == [10.0, 25.0]
        here.run("f", "c2", numbers(3.0))
        await here.expect(ev.Offloaded)
        assert (await here.expect(ev.Started)).report is not None
        await here.expect(ev.Completed)
        await here.expect(ev.Offloaded)


async def test_binary_tensors_reach_a_script_as_json_and_return_as_bytes(tmp_path: Path) -> None:
    async with world([script("f", tmp_path, LOOP)], tmp_path / "state") as here:
        await here.start()
        answer = await here.answer("f", numbers(1.0, 2.5, binary=True))
        assert struct.unpack("<2d", answer.binary) == (10.0, 25.0)
        (output,) = json.loads(answer.header)["outputs"]
        assert output == {
            "name": "y",
            "datatype": "FP64",
            "shape": [2],
            "parameters": {"binary_data_size": 16},
        }


async def test_any_program_will_do_and_may_chatter(tmp_path: Path) -> None:
    package = script("f", tmp_path, SHELL, "/bin/sh", "main")
    async with world([package], tmp_path / "state") as here:
        await here.start()
        await here.load("f")
        assert await here.text("f") == "from a shell"


async def test_a_script_may_refuse_a_request(tmp_path: Path) -> None:
    async with world([script("f", tmp_path, REFUSES)], tmp_path / "state") as here:
        await here.start()
        here.run("f")
        await here.expect(ev.Started)
        failed = await here.expect(ev.Failed)
        assert (failed.kind, failed.error) == (ev.FailureKind.ERROR, "no")


async def test_an_answer_that_is_none_is_an_error(tmp_path: Path) -> None:
    async with world([script("f", tmp_path, BABBLES)], tmp_path / "state") as here:
        await here.start()
        here.run("f")
        await here.expect(ev.Started)
        failed = await here.expect(ev.Failed)
        assert failed.kind is ev.FailureKind.ERROR
        assert "no list of tensors" in failed.error


async def test_bytes_that_json_cannot_carry_do_not_reach_a_script(tmp_path: Path) -> None:
    data = struct.pack("<I", 2) + b"\xff\xfe"
    tensor: dict[str, Any] = {"name": "x", "datatype": "BYTES", "shape": [1]}
    tensor["parameters"] = {"binary_data_size": len(data)}
    body = Payload(json.dumps({"inputs": [tensor]}).encode(), data)
    async with world([script("f", tmp_path, LOOP)], tmp_path / "state") as here:
        await here.start()
        here.run("f", body=body)
        await here.expect(ev.Started)
        assert "not UTF-8" in (await here.expect(ev.Failed)).error
        assert await ten_times(here) == [10.0, 25.0]


async def test_a_program_that_is_not_there_cannot_be_loaded(tmp_path: Path) -> None:
    package = script("f", tmp_path, "", "no-such-program")
    async with world([package], tmp_path / "state") as here:
        await here.start()
        failed = await here.refused("f")
        assert failed.blame
        assert "cannot start no-such-program" in failed.error
