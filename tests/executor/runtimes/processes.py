"""Looks at the processes of instances from outside, as an operator would."""

from pathlib import Path

from executor.runtimes.leftovers import MARK


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
    """Return the process id of an instance's manager."""
    (pid,) = (pid for pid, command in of_instance(folder).items() if "executor.proxy" in command)
    return pid
