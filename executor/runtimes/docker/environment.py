"""The server's Python environment, as far as containers use it: its installed packages."""

import json
import subprocess
from pathlib import Path

from executor.errors import PermanentFailure
from executor.runtimes.docker.container import PYTHON_VERSION

_QUESTION = (
    "import json, sys, sysconfig; "
    "print(json.dumps([sysconfig.get_path('platlib'), *sys.version_info[:2]]))"
)


def packages_of(python: Path) -> Path:
    """Return the folder of the packages that an interpreter has.

    Raises
    ------
    PermanentFailure
        If the interpreter in the image could not use them.
    """
    answer = subprocess.run([python, "-c", _QUESTION], capture_output=True, check=True, text=True)
    folder, *version = json.loads(answer.stdout)
    if tuple(version) != PYTHON_VERSION:
        found, expected = (".".join(map(str, one)) for one in (version, PYTHON_VERSION))
        raise PermanentFailure(
            f"{python} is Python {found}; expected {expected}, which the containers' image has"
        )
    return Path(folder)
