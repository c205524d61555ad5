"""What a container of ours is made of, in the words of the engine's API.

Inside, the same paths stand for the same functions and model files as outside. The interpreter is
the image's own, in a virtual environment whose packages are those of the server's environment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from executor.actions import StartInstance
from executor.functions import Package
from executor.runtimes.papers import Papers, fingerprint
from executor.units import MIB

SERVER_LABEL = "headstart.server"
"""Which server made a container; it is the key to what a killed server has left."""

PYTHON_VERSION = (3, 11)
"""Of the interpreter in the image, Debian 12's; compiled packages fit no other."""

PAPERS_LABEL = "headstart.papers"
"""What a server must know of a container to take it over, in JSON."""

_HOME = "/opt/headstart"
PYTHON = Path(f"{_HOME}/environment/bin/python3")
_PACKAGES = f"{_HOME}/environment/lib/python3.11/site-packages"

_FOLDER = "/run/headstart"
SOCKET = f"{_FOLDER}/socket"
_CELLS = "/run/cells"

_PROXY = Path(__file__).parents[2] / "proxy"

_PROCESSES = 4096
"""Processes and threads of a container: eight times what one user of its functions may have."""

CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "KILL", "SETGID", "SETUID", "SYS_PTRACE")
"""What the manager may do, and nobody else: functions have users of their own and no rights.

``SETUID``, ``SETGID``: start a function as its user. ``CHOWN``: give a home to that user.
``DAC_OVERRIDE``: remove the home afterwards. ``KILL``: kill processes of other users.
``SYS_PTRACE``: measure their memory (proc(5), smaps_rollup), within the container only.
``SYS_ADMIN``, for private views of the file system, is left out: it would be nearly the host's
root. It is not missed, for functions find no place in a container that more than one can write to.
"""


@dataclass(frozen=True, slots=True)
class MpsAccess:
    """How functions reach their MPS daemon: by its pipes, and under the one user that it serves."""

    pipes: Path
    user: int


@dataclass(frozen=True, slots=True)
class ContainerOptions:
    """One container of a server.

    Attributes
    ----------
    installed
        The folder of packages that functions may import.
    needs
        What else its functions read.
    folder
        Of this machine, for the socket; None for a container on another one.
    grace_s
        How long it lives without a server.
    contents
        Stands for what is in the image and in what it mounts.
    variables
        Are added to the environment of its functions.
    mps
        For a GPU that is shared by MPS.
    """

    image: str
    server: str
    installed: Path
    start: StartInstance
    cpus: float
    base_uid: int
    needs: tuple[Path, ...]
    folder: Path | None
    grace_s: float
    contents: str
    variables: Mapping[str, str] = field(default_factory=dict)
    mps: MpsAccess | None = None

    @property
    def name(self) -> str:
        """Its name for the engine."""
        return f"headstart-{self.server}-{self.start.instance_id}"

    def papers(self) -> Papers:
        """Describe it for a server that may take it over."""
        return Papers(self.start, self.base_uid, fingerprint(self._body(), self.contents))

    def config(self) -> dict[str, Any]:
        """Return the body of the request that creates it."""
        labels = {
            SERVER_LABEL: self.server,
            "headstart.instance": self.start.instance_id,
            "headstart.owner": self.start.owner,
            PAPERS_LABEL: self.papers().write(),
        }
        return {**self._body(), "Labels": labels}

    def _body(self) -> dict[str, Any]:
        return {
            "Image": self.image,
            "Cmd": self._command(),
            "Env": [f"{name}={value}" for name, value in self._environment().items()],
            "User": "0:0",
            "HostConfig": {
                **self._limits(),
                **self._confinement(),
                "Mounts": self._mounts(),
                "DeviceRequests": device_requests(self.start.gpu),
            },
        }

    def _command(self) -> list[str]:
        return [
            *("/usr/bin/python3", "-S", "-P", "-m", "executor.proxy"),
            f"--owner={self.start.owner}",
            f"--limit-bytes={self.start.limit_bytes}",
            f"--folder={_CELLS}",
            f"--base-uid={self.base_uid if self.mps is None else self.mps.user}",
            *([] if self.mps is None else ["--one-user"]),
            f"--socket={SOCKET}",
            f"--grace-s={self.grace_s}",
        ]

    def _environment(self) -> dict[str, str]:
        own = {"PYTHONPATH": _HOME, "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"}
        return {**self.variables, **own}

    def _limits(self) -> dict[str, Any]:
        """Limit what it takes; processors are shared in proportion to memory when they are few."""
        return {
            "Memory": self.start.limit_bytes,
            "MemorySwap": self.start.limit_bytes,
            "MemorySwappiness": 0,
            "PidsLimit": _PROCESSES,
            "NanoCpus": int(self.cpus * 1e9),
            "CpuShares": max(2, self.start.limit_bytes // MIB),
        }

    def _confinement(self) -> dict[str, Any]:
        return {
            "CapDrop": ["ALL"],
            "CapAdd": list(CAPABILITIES),
            "SecurityOpt": ["no-new-privileges:true"],
            "ReadonlyRootfs": True,
            "NetworkMode": "none",
            "IpcMode": "none" if self.mps is None else "host",
            "Tmpfs": self._memory_folders(),
            "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "1"}},
        }

    def _memory_folders(self) -> dict[str, str]:
        """Name what is writable; it counts as the container's memory."""
        folders = {_CELLS: f"rw,exec,nosuid,nodev,mode=0711,size={self.start.limit_bytes}"}
        if self.folder is None:
            folders[_FOLDER] = "rw,noexec,nosuid,nodev,mode=0700,size=64k"
        return folders

    def _mounts(self) -> list[dict[str, Any]]:
        own = [(_PROXY, f"{_HOME}/executor/proxy"), (self.installed, _PACKAGES)]
        mounts = [_mount(source, target) for source, target in own]
        mounts += [_mount(path, str(path)) for path in self.needs]
        if self.folder is not None:
            mounts.append(_mount(self.folder, _FOLDER, read_only=False))
        if self.mps is not None:
            mounts.append(_mount(self.mps.pipes, str(self.mps.pipes), read_only=False))
        return mounts


def device_requests(*gpus: str | None) -> list[dict[str, Any]]:
    """Ask for GPUs by UUID, as ``docker run --gpus`` does; a container has those alone."""
    wanted = [gpu for gpu in gpus if gpu is not None]
    if not wanted:
        return []
    return [{"Driver": "", "Count": 0, "DeviceIDs": wanted, "Capabilities": [["gpu"]]}]


def needs_of(packages: Iterable[Package], owner: str) -> tuple[Path, ...]:
    """List what the functions of an owner must find in its containers."""
    own = [package for package in packages if package.function.owner == owner]
    paths = {path for package in own for path in (package.folder, *package.files)}
    return tuple(sorted(path for path in paths if paths.isdisjoint(path.parents)))


def _mount(source: Path, target: str, *, read_only: bool = True) -> dict[str, Any]:
    return {"Type": "bind", "Source": str(source), "Target": target, "ReadOnly": read_only}
