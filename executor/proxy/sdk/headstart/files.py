"""The model files that a function declares."""

import json
import os


def file(name: str) -> str:
    """Return the absolute path of a model file by the name it has in ``function.yaml``.

    Raises
    ------
    KeyError
        If the function declares no file of that name.
    """
    paths: dict[str, str] = json.loads(os.environ.get("HEADSTART_FILES", "{}"))
    if name not in paths:
        raise KeyError(f"no file {name!r} is declared; there are {sorted(paths)}")
    return paths[name]
