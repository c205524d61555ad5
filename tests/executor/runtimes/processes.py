"""Looks at the processes of instances from outside, as an operator would."""

from pathlib import Path

from executor.proxy.keeper import MARK


def of_instance(folder: Path) -> dict[int, str]:
    """Map the ids of an instance's living processes to their command lines."""
    mark = f"{MARK}={folder}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if mark in environment and command:
            found[int(entry.name)] = command.replace(b"\0", b" ").decode()
    return found


def manager_of(folder: Path) -> int:
    """Return the process id of an instance's manager, which none of its processes has started."""
    found = of_instance(folder)
    (pid,) = (
        pid
        for pid, command in found.items()
        if "executor.proxy" in command and _parent_of(pid) not in found
    )
    return pid


def _parent_of(pid: int) -> int:
    (line,) = (
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("PPid:")
    )
    return int(line.split()[1])
