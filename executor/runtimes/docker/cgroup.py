"""The memory of a container in its control group's files, of version 1 or 2 (cgroups(7)).

Reading them takes microseconds; the engine's own statistics take a second a container.
"""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_REFUSED = (errno.EBUSY, errno.EINTR)
_GONE = (errno.ENOENT, errno.ENODEV)


@dataclass(frozen=True, slots=True)
class _Files:
    """Names of the files; ``inactive_key`` and ``oom_key`` are lines in ``stat`` and ``oom``."""

    usage: str
    limit: str
    stat: str
    oom: str
    inactive_key: str
    oom_key: str = "oom_kill"


_V1 = _Files(
    usage="memory.usage_in_bytes",
    limit="memory.limit_in_bytes",
    stat="memory.stat",
    oom="memory.oom_control",
    inactive_key="total_inactive_file",
)
_V2 = _Files(
    usage="memory.current",
    limit="memory.max",
    stat="memory.stat",
    oom="memory.events",
    inactive_key="inactive_file",
)


class Cgroup:
    """The memory control group of one container; one that is gone holds nothing."""

    def __init__(self, folder: Path, files: _Files) -> None:
        self.folder = folder
        self._files = files

    def memory_bytes(self) -> int:
        """Return what is in use, but for files that can be dropped at once."""
        usage = int(self._read(self._files.usage) or 0)
        return max(0, usage - self._line(self._files.stat, self._files.inactive_key))

    def pids(self) -> list[int]:
        """List the processes in it, by their ids on this machine."""
        return [int(line) for line in self._read("cgroup.procs").split()]

    def oom_kills(self) -> int:
        """Count the processes that the kernel has killed for want of memory."""
        return self._line(self._files.oom, self._files.oom_key)

    @property
    def writable(self) -> bool:
        """Whether this process may set the limit."""
        return os.access(self.folder / self._files.limit, os.W_OK)

    def set_limit(self, limit_bytes: int) -> None:
        """Set the limit; the old one stays if more than the new one is in use."""
        try:
            (self.folder / self._files.limit).write_text(str(limit_bytes))
        except OSError as error:
            if error.errno not in (*_REFUSED, *_GONE):
                raise

    def _line(self, file: str, wanted: str) -> int:
        for line in self._read(file).splitlines():
            key, _, value = line.partition(" ")
            if key == wanted:
                return int(value)
        return 0

    def _read(self, file: str) -> str:
        try:
            return (self.folder / file).read_text()
        except OSError as error:
            if error.errno not in _GONE:
                raise
            return ""


def find(pid: int, container_id: str, proc: Path = Path("/proc")) -> Cgroup | None:
    """Find the control group of a container by its first process.

    None when it cannot be seen from here, as that of a container on another machine.
    """
    try:
        text = (proc / str(pid) / "cgroup").read_text()
    except OSError:
        return None
    groups = dict(_controllers(text))
    name, files, kind = ("memory", _V1, "cgroup") if "memory" in groups else ("", _V2, "cgroup2")
    path = groups.get(name, "")
    if container_id not in path:
        return None
    for mount in _mounts((proc / "self" / "mounts").read_text(), kind, name):
        folder = mount / path.lstrip("/")
        if (folder / files.usage).is_file():
            return Cgroup(folder, files)
    return None


def _controllers(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, path


def _mounts(text: str, kind: str, controller: str) -> Iterator[Path]:
    for line in text.splitlines():
        _, place, type_, options, *_ = line.split()
        if type_ == kind and (not controller or controller in options.split(",")):
            yield Path(place)
