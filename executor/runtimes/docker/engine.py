"""One Docker engine, spoken to through the SDK, in threads beside the loop."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.tls import TLSConfig
from requests.exceptions import RequestException

from executor.errors import PermanentFailure, RuntimeFailure
from executor.runtimes.docker.container import (
    PAPERS_LABEL,
    PYTHON,
    SERVER_LABEL,
    SOCKET,
    ContainerOptions,
    device_requests,
)
from executor.runtimes.docker.deaths import Deaths
from executor.runtimes.docker.tunnel import Tunnel

Result = TypeVar("Result")

_THREADS = 8
"""Requests at once; fifty containers start no faster with more (measured with 8 on 2 cores)."""

_LAST_LINES = 20


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine is.

    ``url`` is ``unix:///path``, ``ssh://[user@]host[:port]`` or ``tcp://host:port``; the last with
    ``tls``, a folder with ``ca.pem``, ``cert.pem`` and ``key.pem``.
    """

    url: str
    tls: Path | None = None

    @property
    def local(self) -> bool:
        """Whether the engine is of this machine, so that its containers' files are seen here."""
        return self.url.startswith("unix://")


class _Client(docker.APIClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's client, deaf to the environment, whose certificates would replace the engine's."""

    trust_env = property(lambda _: False, lambda _, __: None)


class Engine:
    """A Docker engine at work; what it refuses is a ``RuntimeFailure`` that names it."""

    def __init__(self, name: str, address: Address) -> None:
        self.name = name
        self.address = address
        self.cpus = 0.0
        self.image = ""
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"docker-{name}")
        self._closing = AsyncExitStack()
        self._closing.callback(self._pool.shutdown)

    async def open(
        self, server: str, image: str, tunnel: Path, seen: Callable[[bool], None]
    ) -> None:
        """Connect, and follow the deaths of a server's containers.

        Parameters
        ----------
        tunnel
            Where the socket of an engine behind SSH may be.
        seen
            Is told when the engine no longer answers, and when it does again.

        Raises
        ------
        RuntimeFailure
            If the engine does not answer or does not have the image.
        """
        url = self.address.url
        if url.startswith("ssh://"):
            forwarded = Tunnel(url, tunnel)
            self._closing.push_async_callback(forwarded.close)
            url = await forwarded.open()
        tls = self.address.tls and self._tls(self.address.tls)
        self._api = await self._do(lambda: _Client(url, version="auto", tls=tls or False))
        self._closing.callback(self._api.close)
        self.cpus = float((await self._do(self._api.info))["NCPU"])
        try:
            self.image = (await self._do(self._api.inspect_image, image))["Id"]
        except NotFound as error:
            raise PermanentFailure(
                f"engine {self.name} has no image {image}; `make image` builds it"
            ) from error
        self.deaths = Deaths(self._api, f"{SERVER_LABEL}={server}", seen)
        await self._do(self.deaths.open)
        self._closing.push_async_callback(asyncio.to_thread, self.deaths.close)

    async def close(self) -> None:
        """Let go of the engine."""
        await self._closing.aclose()

    async def check_gpus(self, image: str, gpus: Collection[str]) -> None:
        """Find out whether containers can be given GPUs.

        Raises
        ------
        PermanentFailure
            If not, with the engine's words.
        """
        config = {
            "Image": image,
            "Cmd": ["true"],
            "HostConfig": {"NetworkMode": "none", "DeviceRequests": device_requests(*gpus)},
        }
        made = await self._do(self._api.create_container_from_config, config)
        try:
            await self._do(self._api.start, made["Id"])
        except APIError as error:
            raise PermanentFailure(
                f"engine {self.name} cannot give GPUs to containers: {error.explanation}; expected "
                "the NVIDIA Container Toolkit, set up for this engine"
            ) from error
        finally:
            await self.remove(made["Id"])

    async def create(self, options: ContainerOptions) -> str:
        """Create a container and return its id."""
        made = await self._do(
            self._api.create_container_from_config, options.config(), options.name
        )
        return str(made["Id"])

    async def start(self, container: str) -> int:
        """Start a container, unless it runs, and return the id of its first process.

        The id is of the engine's machine.
        """
        await self._do(self._api.start, container)
        return int((await self._do(self._api.inspect_container, container))["State"]["Pid"])

    async def kill(self, container: str) -> None:
        """Kill all in a container, if it still runs."""
        try:
            await self._do(self._api.kill, container)
        except APIError as error:
            if error.response.status_code not in (404, 409):
                raise

    async def remove(self, container: str) -> None:
        """Remove a container, whatever it does; not found is success."""
        with suppress(NotFound):
            await self._do(lambda: self._api.remove_container(container, v=True, force=True))

    async def left_by(self, server: str) -> dict[str, str]:
        """List all containers of a server with their papers; those that have ended have none."""
        filters = {"label": f"{SERVER_LABEL}={server}"}
        found = await self._do(lambda: self._api.containers(all=True, filters=filters))
        return {
            one["Id"]: one["Labels"].get(PAPERS_LABEL, "") if one["State"] == "running" else ""
            for one in found
        }

    async def ending(self, container: str) -> str:
        """Describe how a container ended, with its last words."""
        state = (await self._do(self._api.inspect_container, container))["State"]
        log: bytes = await self._do(lambda: self._api.logs(container, tail=_LAST_LINES))
        how = f"the manager ended with status {state['ExitCode']}"
        if state["OOMKilled"]:
            how += ", out of memory"
        text = log.decode(errors="replace").strip()
        return f"{how}: {text}" if text else how

    async def set_limit(self, container: str, limit_bytes: int) -> None:
        """Set the memory limit of a container."""
        await self._do(
            lambda: self._api.update_container(
                container, mem_limit=limit_bytes, memswap_limit=limit_bytes
            )
        )

    async def relay(self, container: str) -> socket.socket:
        """Run the manager's relay in a container and return the stream of its words and ours."""
        command = [str(PYTHON), "-S", "-P", "-m", "executor.proxy.relay", SOCKET]
        made = await self._do(
            lambda: self._api.exec_create(container, command, stdin=True, stderr=False)
        )
        stream = await self._do(lambda: self._api.exec_start(made["Id"], socket=True))
        return _raw(stream)

    def _tls(self, folder: Path) -> TLSConfig:
        files = [str(folder / name) for name in ("cert.pem", "key.pem", "ca.pem")]
        for file in files:
            if not Path(file).is_file():
                raise PermanentFailure(f"engine {self.name}: there is no {file}")
        return TLSConfig(client_cert=(files[0], files[1]), ca_cert=files[2], verify=True)

    async def _do(self, function: Callable[..., Result], *arguments: Any) -> Result:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, function, *arguments)
        except APIError:
            raise
        except (DockerException, RequestException) as error:
            raise RuntimeFailure(
                f"engine {self.name} at {self.address.url} does not answer: {error}"
            ) from error


def _raw(stream: Any) -> socket.socket:
    """Return the socket below what the SDK hands out, which cannot be written to."""
    raw = stream if isinstance(stream, socket.socket | ssl.SSLSocket) else stream._sock
    raw.settimeout(None)
    assert isinstance(raw, socket.socket)
    return raw
