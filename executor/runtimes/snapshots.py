"""What snapshots take: the program that takes them, and names that tell functions apart."""

import os
import shutil
import subprocess
from collections.abc import Mapping

from executor.errors import PermanentFailure
from executor.functions import Package
from executor.runtimes.fleet import FUNCTIONS, function_uid
from executor.runtimes.papers import contents, fingerprint

_HELP = "criu 4.2 or newer, which is in the package criu (of Debian: sid; 12 has one too old)"


def find_criu() -> str:
    """Return the program ``criu``.

    Raises
    ------
    PermanentFailure
        If there is none, or it does not work on this machine.
    """
    if os.geteuid() != 0:
        raise PermanentFailure(
            "snapshots take root; without it functions have no users of their own"
        )
    program = shutil.which("criu")
    if program is None:
        raise PermanentFailure(f"snapshots take {_HELP}; there is no criu in PATH")
    checked = subprocess.run([program, "check"], capture_output=True, check=False, text=True)
    if checked.returncode != 0:
        words = (checked.stderr or checked.stdout).strip()
        raise PermanentFailure(f"snapshots take {_HELP}; {program} check says: {words}")
    return program


def named(packages: Mapping[str, Package], server: int) -> dict[str, tuple[str, int]]:
    """Give each function the name of its snapshot, and the user that it has in it.

    Raises
    ------
    PermanentFailure
        If there are more functions than users.
    """
    if len(packages) > FUNCTIONS:
        raise PermanentFailure(
            f"snapshots of {len(packages)} functions; expected at most {FUNCTIONS}"
        )
    uids = {name: function_uid(server, number) for number, name in enumerate(sorted(packages))}
    return {
        name: (fingerprint(contents([package]), uids[name]), uids[name])
        for name, package in packages.items()
    }
