"""A whole server as a process, with functions made for a test."""

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from bench.demo.server import ServerFailed, server

TENSORS = [{"name": "x", "datatype": "BYTES", "shape": [-1]}]

ECHO = """
def load():
    return None

def predict(model, request):
    return {"x": request.inputs["x"].data}
"""


@dataclass(frozen=True)
class Site:
    """A running server, its client and where its instances keep their files."""

    client: httpx.AsyncClient
    state: Path

    async def call(self, function: str, text: str = "hello", **more: Any) -> httpx.Response:
        """Call a function with one string."""
        tensor = {"name": "x", "datatype": "BYTES", "shape": [1], "data": [text]}
        body = {"inputs": [tensor], **more}
        return await self.client.post(f"/v2/models/{function}/infer", json=body)

    async def index(self) -> dict[str, dict[str, str]]:
        """Return the repository's index by function."""
        entries = (await self.client.post("/v2/repository/index")).json()
        return {entry["name"]: entry for entry in entries}

    async def metrics(self) -> str:
        """Return the metrics as they are exposed."""
        return (await self.client.get("/metrics")).text

    def kill(self) -> None:
        """Kill the server itself, which is one process."""
        file = str(self.state.parent / "server" / "headstart.yaml").encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and file in _read(entry / "cmdline").split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)

    def processes(self, program: str) -> list[int]:
        """List the living processes below the server whose command line has ``program``."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                environment, command = _read(entry / "environ"), _read(entry / "cmdline")
                if str(self.state).encode() in environment and program.encode() in command:
                    found.append(int(entry.name))
        return found

    def managers(self) -> list[int]:
        """List the managers below the server, without what they are just forking."""
        found = self.processes("executor.proxy")
        return sorted(one for one in found if _parent(one) not in found)


def _parent(process: int) -> int:
    """Return the parent of a process; of one that is no more, itself."""
    words = _read(Path("/proc", str(process), "stat")).rpartition(b")")[2].split()
    return int(words[1]) if words else process


@asynccontextmanager
async def site(folder: Path, functions: dict[str, str], **settings: Any) -> AsyncIterator[Site]:
    """Serve handlers, given by name as their code, from a server of its own."""
    for name, code in functions.items():
        write_function(folder / "functions" / name, code, settings.pop(name, {}))
    config = {
        "functions": str(folder / "functions"),
        "models": str(folder),
        "state": str(folder / "state"),
        "worker": {"memory": "1GiB"},
        "plan": {"method": "density"},
        "gateway": {"port": 0},
        **settings,
    }
    async with (
        server(config, folder / "server") as url,
        httpx.AsyncClient(base_url=url, timeout=60) as client,
    ):
        yield Site(client, folder / "state")


@asynccontextmanager
async def killed(serving: AbstractAsyncContextManager[Site]) -> AsyncIterator[Site]:
    """Kill a server in the end, and leave what it leaves."""
    with suppress(ServerFailed):
        async with serving as here:
            yield here
            here.kill()


def write_function(folder: Path, code: str, manifest: dict[str, Any] | None = None) -> None:
    """Write a handler and its ``function.yaml``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "handler.py").write_text(code)
    profile = {"import_s": 0.1, "load_s": 0.1, "memory": "32MiB"}
    values: dict[str, Any] = {"owner": "o", "memory": "128MiB", "profile": profile}
    values |= {"inputs": TENSORS, "outputs": TENSORS, **(manifest or {})}
    (folder / "function.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(values))))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
